from odoo.exceptions import AccessError, UserError
from odoo.modules.neutralize import get_neutralization_queries
from odoo.tests import tagged

from ..models.res_config_settings import BRIDGE_URL, CONNECTION, ISSUER, JWKS_URL
from .bridge import Key
from .common import DrawbridgeCase

STATUS = {
    "issuer": "https://id.example.com",
    "version": "1.2.3",
    "kid": "key-1",
    "access_token_ttl": 600,
    "refresh_idle_ttl": 6 * 86400,
    "refresh_absolute_ttl": 180 * 86400 + 5400,
    "role_map": {"base.group_system": "admin", "nobody.knows": "<b>guest</b>"},
}


@tagged("post_install", "-at_install")
class TestConnection(DrawbridgeCase):
    def setUp(self):
        super().setUp()
        self.bridge.answers["/odoo/status"] = STATUS
        self.parameters = self.env["ir.config_parameter"]

    def shown(self):
        """The verdict and the facts, as the page has them."""
        self.env.invalidate_all()
        settings = self.env["res.config.settings"].new({})
        return str(settings.auth_drawbridge_verdict), str(settings.auth_drawbridge_facts)

    def test(self):
        self.env["res.config.settings"].create({}).action_auth_drawbridge_test()
        return self.shown()

    def assertWrong(self, *words):
        verdict, _facts = self.test()
        self.assertIn("Something is wrong", verdict)
        self.assertIn("alert-danger", verdict)
        for word in words:
            self.assertIn(word, verdict)

    def test_everything_is_right(self):
        verdict, facts = self.test()
        self.assertIn("Everything is right: bridge 1.2.3", verdict)
        self.assertIn("It signs with key-1, which is among its keys", verdict)
        self.assertNotIn("fa-times", verdict)
        self.assertIn("10 minutes", facts)
        self.assertIn("6 days", facts)
        self.assertIn("180 days 1 hour 30 minutes", facts)
        self.assertIn(self.env.ref("base.group_system").full_name, facts)
        self.assertIn("&lt;b&gt;guest&lt;/b&gt;", facts, "what the bridge says is text")

    def test_each_thing_that_can_be_wrong(self):
        self.parameters.set_param(BRIDGE_URL, "http://127.0.0.1:9")
        self.assertWrong("cannot be reached (ConnectionError)", "not tried", "Its keys can be")
        self.parameters.set_param(BRIDGE_URL, False)

        self.bridge.says_issuer = "https://another.example.com"
        self.assertWrong("another issuer: https://another.example.com")
        self.assertEqual(self.bridge.posted, [], "the proof is for no other bridge")
        self.bridge.says_issuer = self.bridge.issuer

        for status, words in (
            (401, "ODOO_DATABASE_UUID=" + self.parameters.get_param("database.uuid")),
            (404, "The bridge runs without this addon"),
            (503, "could not answer (status 503)"),
        ):
            with self.subTest(status):
                self.bridge.answers["/odoo/status"] = status
                self.assertWrong(words)
        for wrong in ([], {}, {**STATUS, "access_token_ttl": "x"}, {**STATUS, "role_map": {"a": 1}}):
            with self.subTest(wrong):
                self.bridge.answers["/odoo/status"] = wrong
                self.assertWrong("could not answer")
        self.bridge.answers["/odoo/status"] = STATUS

        self.bridge.key = Key("another")
        self.assertWrong("not among the keys that were fetched")
        self.parameters.set_param(JWKS_URL, f"{self.bridge.issuer}/.well-known/nothing")
        self.bridge.body = b"<html>"
        self.assertWrong("it is no bridge", "Its keys cannot be fetched")
        self.bridge.body = b'{"keys": [], "issuer": "' + self.bridge.issuer.encode() + b'"}'
        self.assertWrong("There is no usable key")
        self.bridge.body = None
        self.bridge.status = 500
        self.assertWrong("it is no bridge (status 500)")

    def test_the_page_opens_without_the_bridge(self):
        verdict, facts = self.shown()
        self.assertEqual(verdict, "False")
        self.assertIn("has not answered yet", facts)
        self.test()
        asked = len(self.bridge.posted) + len(self.bridge.requested)
        self.shown()
        self.assertEqual(len(self.bridge.posted) + len(self.bridge.requested), asked)
        self.bridge.stop()
        verdict, facts = self.test()
        self.assertIn("cannot be reached", verdict)
        self.assertIn("did not answer the last test", facts)
        self.assertIn("10 minutes", facts, "as it said before")
        self.parameters.set_param(BRIDGE_URL, "http://127.0.0.1:9")
        self.assertEqual(self.shown()[0], "False", "other settings were not tested")

    def test_for_administrators_only(self):
        for user in (self.internal, self.portal):
            settings = self.env["res.config.settings"].with_user(user)
            with self.subTest(user.login):
                with self.assertRaises(AccessError):
                    settings.action_auth_drawbridge_test()
                with self.assertRaises(AccessError):
                    settings.new({}).auth_drawbridge_facts  # noqa: B018 pylint: disable=W0104
        self.assertEqual(self.bridge.posted, [])
        self.assertFalse(self.parameters.get_param(CONNECTION))

    def test_a_neutralized_copy_does_not_say_that_all_is_right(self):
        self.test()
        for query in get_neutralization_queries(["auth_drawbridge"]):
            self.env.cr.execute(query)
        self.env.registry.clear_all_caches()
        self.assertFalse(self.parameters.get_param(CONNECTION))

    def test_without_an_issuer_there_is_nothing_to_test(self):
        self.parameters.set_param(ISSUER, False)
        with self.assertRaises(UserError):
            self.test()
