import hashlib
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..models import drawbridge_code
from .hand_off import CHALLENGE, PASSWORD, VERIFIER, HandOffCase


@tagged("post_install", "-at_install")
class TestRedeem(HandOffCase):
    """The way back: what a code is worth."""

    def test_once(self):
        self.sign_in()
        code = self.code()
        self.assertEqual(self.redeem(code)["outcome"], "identity")
        self.assertDenied(code)
        self.assertFalse(self.codes())

    def test_a_wrong_verifier_takes_the_code_along(self):
        self.sign_in()
        for what, verifier in {
            "another": "A" * 43,
            "the challenge": CHALLENGE,
            "none": "",
            "what is none": "\ud800" * 43,
            "a long one": VERIFIER + "A" * 200,
        }.items():
            with self.subTest(what):
                code = self.code()
                self.assertDenied(code, verifier)
                self.assertDenied(code)
        self.assertFalse(self.codes())

    def test_what_is_no_code(self):
        self.sign_in()
        code = self.code()
        for other in ("", "A" * 43, code[:-1], code + "A", f"{code}\n", "\ud800" * 43, "%"):
            self.assertDenied(other)
        for wrong in ({"code": [code]}, {"code": None}, {"code_verifier": 1}):
            parameters = {"code": code, "code_verifier": VERIFIER, **wrong}
            self.assertEqual(self.ask("redeem", **parameters).status_code, 400)
        self.assertEqual(self.ask("redeem", code=code).status_code, 400)
        self.assertEqual(self.redeem(code)["outcome"], "identity")

    def test_for_a_minute(self):
        self.sign_in()
        code = self.code()
        lifetime = self.codes().expires_at - fields.Datetime.now()
        self.assertTrue(50 <= lifetime.total_seconds() <= 60)
        self.env.cr.execute(
            "UPDATE drawbridge_code SET expires_at = now() AT TIME ZONE 'UTC' - interval '1 second'"
        )
        self.assertDenied(code)
        self.assertFalse(self.codes())

    def test_who_changed_meanwhile(self):
        for what, change in {
            "archived": lambda: self.internal.write({"active": False}),
            "another password": lambda: self.internal.write({"password": "another password"}),
            "out of all devices": lambda: self.internal._action_revoke_all_devices(),
            "signed out of Odoo": lambda: self.leave(),
            "a second factor": lambda: self.enable_totp(),
        }.items():
            with self.subTest(what):
                self.internal.write({"active": True, "password": PASSWORD})
                self.env.flush_all()
                self.new_browser()
                self.sign_in()
                code = self.code()
                change()
                self.env.flush_all()
                self.assertDenied(code)

    def test_only_the_bridge(self):
        self.sign_in()
        code = self.code()
        body = f'{{"code": "{code}", "code_verifier": "{VERIFIER}"}}'.encode()
        path = "/auth_drawbridge/1/redeem"
        self.assertRefused(self.post_as_bridge(path, body, None))
        self.assertRefused(self.post_as_bridge(path, body, self.token()))
        self.assertRefused(self.post_as_bridge(path, body, self.assertion(path, b"{}")))
        self.assertEqual(len(self.codes()), 1)

    # What is kept

    def test_no_code_is_stored_or_logged(self):
        self.sign_in()
        with self.assertLogs(level="DEBUG") as logs:
            code = self.code()
            self.redeem(code)
            other = self.code()
            self.assertDenied(other, "B" * 43)
            stored = self.code()
        for line in logs.output:
            for secret in (code, other, stored, VERIFIER, "B" * 43):
                # What werkzeug's client half tells of the test's own requests is not Odoo's log.
                if "urllib3" not in line:
                    self.assertNotIn(secret, line)
        self.env.cr.execute("SELECT * FROM drawbridge_code")
        row = str(self.env.cr.fetchall())
        self.assertNotIn(stored, row)
        self.assertIn(hashlib.sha256(stored.encode()).hexdigest(), row)

    def test_nobody_reads_or_makes_codes(self):
        self.sign_in()
        self.code()
        admin = self.env.ref("base.user_admin")
        for user in (self.internal, self.portal, admin):
            codes = self.env["drawbridge.code"].with_user(user)
            with self.assertRaises(AccessError), mute_logger("odoo.addons.base.models.ir_model"):
                codes.search([])
            with self.assertRaises(AccessError), mute_logger("odoo.addons.base.models.ir_model"):
                codes.create({"digest": "x"})

    def test_old_ones_go(self):
        self.sign_in()
        self.code()
        self.env["drawbridge.code"].sudo()._gc_codes()
        self.assertEqual(len(self.codes()), 1)
        with patch.object(drawbridge_code, "LIFETIME", -1):
            self.code()
        self.env["drawbridge.code"].sudo()._gc_codes()
        self.assertEqual(len(self.codes()), 1)

    def test_goes_with_its_user(self):
        self.sign_in(self.portal)
        code = self.code()
        self.portal.unlink()
        self.assertDenied(code)
