import json
from types import SimpleNamespace

from odoo.tests import new_test_user, tagged

from ..controllers.bridge import _oauth_domain
from .common import DrawbridgeCase

NOBODY = {"uid": None, "active": False}


@tagged("post_install", "-at_install")
class TestOauthLookup(DrawbridgeCase):
    """Whom an account at another provider belongs to; with auth_oauth, which knows of those."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        values = {"body": "Sign in", "auth_endpoint": "https://a", "validation_endpoint": "https://v"}
        cls.provider, cls.other = cls.env["auth.oauth.provider"].create(
            [{**values, "name": name, "enabled": True} for name in ("One", "Other")]
        )
        cls.person, cls.colleague = (
            new_test_user(cls.env, f"drawbridge-{name}", groups="base.group_user")
            for name in ("person", "colleague")
        )
        cls.person.write({"oauth_provider_id": cls.provider.id, "oauth_uid": "Subject-1"})
        # The same word means somebody else at another provider.
        cls.colleague.write({"oauth_provider_id": cls.other.id, "oauth_uid": "Subject-1"})

    def lookup(self, uid="Subject-1", provider=None):
        account = {"provider": (provider or self.provider).id, "uid": uid}
        path, body = "/auth_drawbridge/1/lookup", json.dumps({"oauth": account}).encode()
        return self.assertAnswers(self.ask_as_bridge(path, body, None))

    def test_an_account_is_of_one_provider_letter_by_letter(self):
        found = self.lookup()
        self.assertEqual((found["uid"], found["active"]), (self.person.id, True))
        self.assertIs(found["second_factor"], False)
        self.assertEqual(self.lookup(provider=self.other)["uid"], self.colleague.id)
        for uid in ("subject-1", "Subject-1 ", "Subject-", "%", "Subject_1"):
            with self.subTest(uid):
                self.assertEqual(self.lookup(uid), NOBODY)

    def test_without_auth_oauth_nobody_has_an_account(self):
        users = SimpleNamespace(_fields={"login": None})
        self.assertTrue(_oauth_domain(users, {"provider": 1, "uid": "Subject-1"}).is_false())

    def test_a_provider_that_is_not_allowed_stands_for_nobody(self):
        self.provider.enabled = False
        self.assertEqual(self.lookup(), NOBODY)

    def test_who_may_not_sign_in_is_not_found(self):
        self.person.active = False
        self.assertEqual(self.lookup(), NOBODY)
        self.env.ref("base.user_root").write(
            {"oauth_provider_id": self.provider.id, "oauth_uid": "root"}
        )
        self.assertFalse(self.lookup("root")["active"])

    def test_a_second_factor_is_told(self):
        self.env.cr.execute(
            "UPDATE res_users SET totp_secret = %s WHERE id = %s", ["GEZDGNBV", self.person.id]
        )
        self.env.invalidate_all()
        self.env.registry.clear_cache()
        self.assertIs(self.lookup()["second_factor"], True)

    def test_a_second_factor_by_policy_is_told(self):
        self.env["ir.config_parameter"].set_param("auth_totp.policy", "employee_required")
        self.assertIs(self.lookup()["second_factor"], True)
