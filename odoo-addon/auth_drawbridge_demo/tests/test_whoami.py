from odoo import fields
from odoo.tests import tagged

from odoo.addons.auth_drawbridge.tests.common import DrawbridgeCase


@tagged("post_install", "-at_install")
class TestWhoAmI(DrawbridgeCase):
    def whoami(self, token=None, method="GET"):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.url_open("/auth_drawbridge_demo/whoami", headers=headers, method=method)

    def test_says_who_calls_and_what_they_see(self):
        for user in (self.internal, self.portal):
            with self.subTest(user.login):
                answer = self.assertAnswers(self.whoami(self.token(user, scope="odoo.read")))
                self.assertEqual(
                    answer,
                    {
                        "uid": user.id,
                        "login": user.login,
                        "name": user.name,
                        "partners": self.env["res.partner"].with_user(user).search_count([]),
                        "scopes": ["odoo.read"],
                    },
                )

    def test_all_scopes_in_order(self):
        token = self.token(scope="other odoo.write odoo.read")
        scopes = self.assertAnswers(self.whoami(token))["scopes"]
        self.assertEqual(scopes, ["odoo.read", "odoo.write", "other"])

    def test_an_api_key_has_no_scopes(self):
        key = (
            self.env["res.users.apikeys"]
            .with_user(self.internal)
            .sudo()
            ._generate(None, "test", fields.Datetime.add(fields.Datetime.now(), days=1))
        )
        answer = self.assertAnswers(self.whoami(key))
        self.assertEqual(answer["uid"], self.internal.id)
        self.assertIsNone(answer["scopes"])

    def test_refuses_whom_odoos_api_refuses(self):
        self.assertEqual(self.whoami().status_code, 401)
        self.assertRefused(self.whoami(self.token(aud="odoo:other")))
        self.assertLacksScope(self.whoami(self.token(scope="other")), "odoo.read")
        token = self.token()
        self.assertAnswers(self.whoami(token))
        self.internal.active = False
        self.assertRefused(self.whoami(token))

    def test_takes_nothing_but_get(self):
        self.assertEqual(self.whoami(self.token(), "POST").status_code, 405)
