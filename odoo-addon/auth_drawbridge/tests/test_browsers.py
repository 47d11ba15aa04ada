import os
from unittest.mock import patch

from odoo.http import root
from odoo.tests import tagged

from .. import browsers
from ..controllers.browsers import MAX_BROWSERS
from ..models.drawbridge_sign_out import record
from .hand_off import HandOffCase


@tagged("post_install", "-at_install")
class TestBrowsers(HandOffCase):
    """What the bridge asks of sessions of Odoo, and does to them."""

    def setUp(self):
        super().setUp()
        # It waits for what may still be written; here nothing is.
        self.startPatcher(patch.object(browsers, "SETTLE", 0))

    def sign_out(self, browser, user):
        return self.assertAnswers(self.ask("sign_out", browser=browser, uid=user.id))["ended"]

    # What the bridge may ask

    def test_what_is_no_session(self):
        self.sign_in()
        good = self.browser()
        folder = os.path.basename(root.session_store.path)
        for what, value in {
            "a pattern": "*" * 42,
            "a pattern within": good[:41] + "*",
            "any character": good[:41] + "?",
            "a set": good[:38] + "[!x]",
            "a path": f"../{folder}/{good}"[:42],
            "short": good[:41],
            "long": good + "A",
            "the whole id": self.stored().sid,
            "a line break": good + "\n",
            "a line break within": good[:41] + "\n",
            "zero": good[:41] + "\0",
            "empty": "",
            "a number": 42,
            "nothing": None,
            "a list": [good],
            "letters of another script": "é" * 42,
        }.items():
            with self.subTest(what):
                for asked in ([value], [good, value]):
                    self.assertEqual(self.ask("browsers", browsers=asked).status_code, 400)
                answer = self.ask("sign_out", browser=value, uid=self.internal.id)
                self.assertEqual(answer.status_code, 400)
        self.assertEqual(self.ask("browsers", browsers=good).status_code, 400)
        self.assertEqual(self.ask("sign_out", browser=good, uid="1").status_code, 400)
        self.assertEqual(self.ask("sign_out", browser=good, uid=True).status_code, 400)
        many = ["A" * 42] * MAX_BROWSERS
        record(self.registry, {good})
        self.assertEqual(self.signed_out(*many[1:], good), [good])
        self.assertEqual(self.ask("browsers", browsers=[*many, good]).status_code, 400)

    def test_only_the_bridge(self):
        self.sign_in()
        body = f'{{"browsers": [], "browser": "{self.browser()}", "uid": {self.internal.id}}}'
        for name in ("browsers", "sign_out"):
            path = f"/auth_drawbridge/1/{name}"
            for token in (None, self.token(), self.assertion(path, b"{}")):
                self.assertRefused(self.post_as_bridge(path, body.encode(), token))
        self.assertTrue(self.stored().uid)

    # Signed out by the bridge

    def test_one_session_of_one_user(self):
        self.sign_in()
        self.code()
        browser = self.browser()
        other = self.env["res.device.log"].sudo()
        devices = other.search([("session_identifier", "=", browser)])
        self.assertTrue(devices)
        self.assertFalse(self.sign_out(browser, self.portal), "it is another's")
        self.assertFalse(self.sign_out("A" * 42, self.internal))
        self.assertTrue(self.stored().uid)
        self.assertTrue(self.sign_out(browser, self.internal))
        self.assertFalse(self.stored().uid)
        self.assertEqual(self.signed_out(browser), [], "the bridge knows")
        self.assertFalse(self.sign_out(browser, self.internal), "it is over")
        self.assertIn("/web/login", self.location(self.go(self.address())))
        self.env.invalidate_all()
        self.assertTrue(all(devices.mapped("revoked")))

    def test_the_id_of_before_a_rotation_goes_along(self):
        self.sign_in()
        browser, sid = self.browser(), self.rotate()
        self.assertTrue(self.sign_out(browser, self.internal))
        self.assertIsNone(root.session_store.get(sid).uid)

    def test_of_another_database(self):
        self.sign_in()
        browser = self.browser()
        session = self.stored()
        session.db = "another"
        root.session_store.save(session)
        self.opener.cookies.pop("session_id", None)
        self.assertFalse(self.sign_out(browser, self.internal))
        self.assertTrue(root.session_store.get(session.sid).uid, "it is left alone")

    def test_while_its_file_is_written_anew(self):
        self.sign_in()
        self.code()
        browser, session = self.browser(), self.stored()
        self.opener.cookies.pop("session_id", None)

        def write(_seconds):
            root.session_store.save(session)

        for ask in (
            lambda: self.assertEqual(browsers.handed_off([browser]), {browser}),
            lambda: self.assertTrue(self.sign_out(browser, self.internal)),
        ):
            root.session_store.delete(session)
            with patch.object(browsers.time, "sleep", side_effect=write):
                ask()

    def test_what_cannot_be_read_is_not_taken_for_gone(self):
        self.sign_in()
        with patch.object(os, "listdir", side_effect=PermissionError), self.assertLogs(
            "odoo.http", "ERROR"
        ):
            asked = {"browser": self.browser(), "uid": self.internal.id}
            self.assertEqual(self.ask("sign_out", **asked).status_code, 500)
