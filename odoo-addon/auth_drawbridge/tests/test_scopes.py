import inspect
from unittest.mock import patch

from odoo import http
from odoo.http import request
from odoo.service.model import get_public_method
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..scopes import READ_METHODS
from .common import DrawbridgeCase


class BearerRoutes(http.Controller):
    """Routes as another addon might have them."""

    @http.route("/drawbridge_test/read", type="http", auth="bearer", methods=["GET"])
    def drawbridge_test_read(self):
        return request.env.user.login

    @http.route("/drawbridge_test/write", type="http", auth="bearer", methods=["POST"], csrf=False)
    def drawbridge_test_write(self):
        return str(request.env["res.partner"].create({"name": "By route"}).create_uid.id)

    @http.route(
        "/drawbridge_test/readonly", type="json2", auth="bearer", methods=["POST"], readonly=True
    )
    def drawbridge_test_readonly(self):
        return request.env.user.login

    @http.route("/drawbridge_test/liar", type="http", auth="bearer", methods=["GET"])
    def drawbridge_test_liar(self):
        request.env["res.partner"].create({"name": "By a liar"})
        return "written"


@tagged("post_install", "-at_install")
class TestScopes(DrawbridgeCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # The routes above came after Odoo had drawn its map.
        cls.env.registry.clear_cache("routing")
        cls.addClassCleanup(cls.env.registry.clear_cache, "routing")

    def test_read_reads(self):
        token = self.token(scope="odoo.read")
        partner = self.internal.partner_id
        calls = {
            "fields_get": {},
            "formatted_read_group": {
                "domain": [],
                "groupby": ["company_id"],
                "aggregates": ["__count"],
            },
            "get_metadata": {"ids": partner.ids},
            "has_access": {"ids": partner.ids, "operation": "read"},
            "name_search": {"name": partner.name},
            "read": {"ids": partner.ids, "fields": ["name"]},
            "search": {"domain": [("id", "=", partner.id)]},
            "search_count": {"domain": []},
            "search_read": {"domain": [("id", "=", partner.id)], "fields": ["name"]},
            "web_read": {"ids": partner.ids, "specification": {"name": {}}},
            "web_search_read": {"domain": [], "specification": {"name": {}}, "limit": 1},
        }
        for method, params in calls.items():
            with self.subTest(method):
                self.assertAnswers(self.call(token, method=method, **params))

    def test_read_does_not_write(self):
        token = self.token(scope="odoo.read")
        partner = self.internal.partner_id
        calls = {
            "create": {"vals_list": [{"name": "No"}]},
            "write": {"ids": partner.ids, "vals": {"name": "No"}},
            "unlink": {"ids": partner.ids},
            "copy": {"ids": partner.ids},
            "name_create": {"name": "No"},
            "load": {"fields": ["name"], "data": [["No"]]},
            "web_save": {"ids": [], "vals": {"name": "No"}, "specification": {}},
            "action_archive": {"ids": partner.ids},
            "toggle_active": {"ids": partner.ids},
            "export_data": {"ids": partner.ids, "fields_to_export": ["id"]},
            "onchange": {"values": {}, "field_names": [], "fields_spec": {}},
            "default_get": {"fields": ["name"]},
            "update_field_translations": {"ids": [], "field_name": "name", "translations": {}},
            "no_such_method": {},
            "_search": {"domain": []},
            "Search": {"domain": []},
        }
        for method, params in calls.items():
            with self.subTest(method):
                self.assertLacksScope(self.call(token, method=method, **params), "odoo.write")
        self.assertFalse(self.env["res.partner"].search([("name", "=", "No")]))
        self.assertTrue(partner.active)

    def test_write_does_all(self):
        token = self.token(scope="odoo.write")
        self.assertAnswers(self.call(token))
        ids = self.assertAnswers(self.call(token, method="create", vals_list=[{"name": "Written"}]))
        self.assertAnswers(self.call(token, method="write", ids=ids, vals={"name": "Rewritten"}))
        self.assertEqual(self.env["res.partner"].browse(ids).name, "Rewritten")

    def test_no_scope_does_nothing(self):
        for scope in (None, "", "openid", "odoo", "odoo.readonly", "ODOO.READ", "odoo.read,x"):
            with self.subTest(scope):
                self.assertLacksScope(self.call(self.token(scope=scope)), "odoo.read")

    @mute_logger("odoo.sql_db", "odoo.http")
    def test_a_method_of_a_reading_name_that_writes(self):
        """An override can give ``search_count`` any body; the database has the last word."""
        created = []

        def search_count(self, domain, limit=None):
            created.append(self.create({"name": "By search_count"}).id)
            return 1

        # Not on a cursor that is read-only anyway, which Odoo has only where it has a replica.
        search_count._readonly = False
        with patch.object(self.registry["res.partner"], "search_count", search_count):
            response = self.call(self.token(scope="odoo.read"))
            self.assertLacksScope(response, "odoo.write")
            self.assertEqual(created, [])
            self.assertAnswers(self.call(self.token(scope="odoo.write")))
        self.assertEqual(len(created), 1)

    @mute_logger("odoo.sql_db", "odoo.http")
    def test_a_write_that_waits_for_the_flush(self):
        partner = self.internal.partner_id

        def search_count(self, domain, limit=None):
            self.browse(partner.id).color = 7
            return 1

        search_count._readonly = False
        with patch.object(self.registry["res.partner"], "search_count", search_count):
            self.assertLacksScope(self.call(self.token(scope="odoo.read")), "odoo.write")
        self.env.invalidate_all()
        self.assertNotEqual(partner.color, 7)

    def test_reading_methods_are_public_and_take_no_code(self):
        partners = self.env["res.partner"]
        for method in READ_METHODS:
            with self.subTest(method):
                self.assertTrue(inspect.isfunction(get_public_method(partners, method)))

    def test_other_routes(self):
        read = {"Authorization": f"Bearer {self.token(scope='odoo.read')}"}
        write = {"Authorization": f"Bearer {self.token(scope='odoo.write')}"}
        for headers in (read, write):
            for method in ("GET", "HEAD"):
                response = self.url_open("/drawbridge_test/read", headers=headers, method=method)
                self.assertEqual(response.status_code, 200)
            response = self.url_open("/drawbridge_test/readonly", headers=headers, method="POST")
            self.assertEqual(self.assertAnswers(response), self.internal.login)
        self.assertLacksScope(
            self.url_open("/drawbridge_test/write", headers=read, method="POST"), "odoo.write"
        )
        response = self.url_open("/drawbridge_test/write", headers=write, method="POST")
        self.assertEqual(response.text, str(self.internal.id))

    @mute_logger("odoo.sql_db", "odoo.http")
    def test_a_get_that_writes(self):
        read = {"Authorization": f"Bearer {self.token(scope='odoo.read')}"}
        self.assertLacksScope(self.url_open("/drawbridge_test/liar", headers=read), "odoo.write")
        self.assertFalse(self.env["res.partner"].search([("name", "=", "By a liar")]))

    def test_other_routes_refuse_bad_tokens(self):
        bad = {"Authorization": f"Bearer {self.token(aud='odoo:other')}"}
        self.assertRefused(self.url_open("/drawbridge_test/read", headers=bad))

    def test_other_routes_serve_sessions_and_keys_as_ever(self):
        self.assertEqual(self.url_open("/drawbridge_test/read").status_code, 401)
