import contextlib

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import TransactionCase, new_test_user, tagged

from ..models.res_config_settings import BRIDGE_URL, ISSUER, JWKS_URL

FIELDS = ["auth_drawbridge_issuer", "auth_drawbridge_jwks_url", "auth_drawbridge_bridge_url"]


@tagged("post_install", "-at_install")
class TestSettings(TransactionCase):
    def save(self, issuer, jwks_url=False, bridge_url=False):
        values = dict(zip(FIELDS, (issuer, jwks_url, bridge_url), strict=True))
        self.env["res.config.settings"].create(values).execute()

    def test_saved_as_system_parameters_and_shown_again(self):
        parameters = self.env["ir.config_parameter"]
        self.save(
            " https://app.example.com ",
            "http://bridge:3000/.well-known/jwks.json",
            "http://bridge:3000",
        )
        self.assertEqual(parameters.get_param(BRIDGE_URL), "http://bridge:3000")
        self.assertEqual(parameters.get_param(ISSUER), "https://app.example.com")
        self.assertEqual(parameters.get_param(JWKS_URL), "http://bridge:3000/.well-known/jwks.json")
        shown = self.env["res.config.settings"].default_get(FIELDS)
        self.assertEqual(shown["auth_drawbridge_issuer"], "https://app.example.com")
        self.assertEqual(
            shown["auth_drawbridge_jwks_url"], "http://bridge:3000/.well-known/jwks.json"
        )
        self.save(False)
        self.assertFalse(parameters.get_param(ISSUER))
        self.assertFalse(parameters.get_param(JWKS_URL))
        self.assertFalse(parameters.get_param(BRIDGE_URL))

    def test_only_addresses(self):
        for issuer in (
            "app.example.com",
            "ftp://app.example.com",
            "file:///etc/passwd",
            "https://",
            "https://[",
            "https://app.example.com/",
            "https://app.example.com?a=b",
            "https://app.example.com#a",
            "https://user:secret@app.example.com",
        ):
            with self.subTest(issuer), self.assertRaises(ValidationError):
                self.save(issuer)
        for url in ("keys.json", "file:///etc/passwd", "https://user:secret@bridge/jwks.json"):
            with self.subTest(url), self.assertRaises(ValidationError):
                self.save("https://app.example.com", url)
        for url in ("bridge:3000", "http://bridge:3000/", "http://user:secret@bridge"):
            with self.subTest(url), self.assertRaises(ValidationError):
                self.save("https://app.example.com", False, url)

    def test_for_administrators_only(self):
        self.save("https://app.example.com")
        for groups in ("base.group_user", "base.group_portal"):
            user = new_test_user(self.env, f"settings-{groups}", groups=groups)
            settings = self.env["res.config.settings"].with_user(user)
            with self.subTest(groups):
                values = {}
                # Settings of other addons may refuse it before ours have nothing to tell.
                with contextlib.suppress(AccessError):
                    values = settings.default_get(FIELDS)
                self.assertFalse(any(values.get(name) for name in FIELDS))
                with self.assertRaises(AccessError):
                    settings.create({"auth_drawbridge_issuer": "https://evil.example.com"})
                with self.assertRaises(AccessError):
                    self.env["ir.config_parameter"].with_user(user).get_param(ISSUER)

    def test_the_page_shows_the_fields(self):
        arch = self.env["res.config.settings"].get_view(
            self.env.ref("base.res_config_settings_view_form").id, "form"
        )["arch"]
        for name in FIELDS:
            self.assertIn(f'name="{name}"', arch)
