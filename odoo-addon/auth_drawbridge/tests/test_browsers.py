import os
import time
from unittest.mock import patch

from odoo.http import SESSION_ROTATION_INTERVAL, root
from odoo.tests import tagged

from .. import browsers
from ..controllers.browsers import MAX_BROWSERS
from .hand_off import PASSWORD, HandOffCase


@tagged("post_install", "-at_install")
class TestBrowsers(HandOffCase):
    def setUp(self):
        super().setUp()
        # It waits for what may still be written; here nothing is.
        self.startPatcher(patch.object(browsers, "SETTLE", 0))

    def browser(self):
        return self.stored().sid[:42]

    def alive(self, *asked):
        return self.assertAnswers(self.ask("browsers", browsers=asked))["alive"]

    def sign_out(self, browser, user):
        return self.assertAnswers(self.ask("sign_out", browser=browser, uid=user.id))["ended"]

    # Which are left

    def test_signed_in(self):
        self.sign_in()
        first = self.browser()
        self.new_browser()
        self.go("/web/login")
        nobody = self.browser()
        self.sign_in(self.portal)
        second = self.browser()
        both = sorted([first, second])
        self.assertEqual(self.alive(first, nobody, second, "A" * 42, second), both)
        self.go("/web/session/logout")
        self.assertEqual(self.alive(first, second), [first])
        self.assertEqual(self.alive(self.browser()), [], "it is there, with nobody in it")
        self.assertEqual(self.alive(), [])

    def test_half_signed_in(self):
        self.enable_totp()
        page = self.location(self.sign_in())
        self.assertEqual(self.alive(self.browser()), [])
        self.submit(page, totp_token=self.totp())
        self.assertEqual(self.alive(self.browser()), [self.browser()])

    def test_removed_by_whoever_cleans_up(self):
        self.sign_in()
        browser = self.browser()
        root.session_store.delete(self.stored())
        self.assertEqual(self.alive(browser), [])

    def test_of_another_database(self):
        self.sign_in()
        browser = self.browser()
        session = self.stored()
        session.db = "another"
        root.session_store.save(session)
        self.opener.cookies.pop("session_id", None)
        self.assertEqual(self.alive(browser), [])
        self.assertFalse(self.sign_out(browser, self.internal))
        self.assertTrue(root.session_store.get(session.sid).uid, "it is left alone")

    def test_while_the_id_is_rotated(self):
        self.sign_in()
        browser, sid = self.browser(), self.stored().sid
        self.change(create_time=time.time() - SESSION_ROTATION_INTERVAL - 1)
        self.go("/web/login")
        self.assertNotEqual(self.stored().sid, sid)
        self.assertEqual(self.alive(browser), [browser])
        # What is left of the id of before does not keep alive who signed out.
        self.go("/web/session/logout")
        self.assertTrue(root.session_store.get(sid).uid)
        self.assertEqual(self.alive(browser), [])

    def test_while_its_file_is_written_anew(self):
        self.sign_in()
        browser, session = self.browser(), self.stored()
        self.opener.cookies.pop("session_id", None)

        def write(_seconds):
            root.session_store.save(session)

        for ask in (
            lambda: self.assertEqual(self.alive(browser), [browser]),
            lambda: self.assertTrue(self.sign_out(browser, self.internal)),
        ):
            root.session_store.delete(session)
            with patch.object(browsers.time, "sleep", side_effect=write):
                ask()

    def test_what_cannot_be_read_is_not_signed_out(self):
        self.sign_in()
        asked = [self.browser()]
        with patch.object(os, "listdir", side_effect=PermissionError), self.assertLogs(
            "odoo.http", "ERROR"
        ):
            self.assertEqual(self.ask("browsers", browsers=asked).status_code, 500)

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
        self.assertEqual(self.alive(*many[1:], good), [good])
        self.assertEqual(self.ask("browsers", browsers=[*many, good]).status_code, 400)

    def test_only_the_bridge(self):
        self.sign_in()
        body = f'{{"browsers": [], "browser": "{self.browser()}", "uid": {self.internal.id}}}'
        for name in ("browsers", "sign_out"):
            path = f"/auth_drawbridge/1/{name}"
            for token in (None, self.token(), self.assertion(path, b"{}")):
                self.assertRefused(self.post_as_bridge(path, body.encode(), token))
        self.assertEqual(self.alive(self.browser()), [self.browser()])

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
        self.assertEqual(self.alive(browser), [browser])
        self.assertTrue(self.sign_out(browser, self.internal))
        self.assertEqual(self.alive(browser), [])
        self.assertFalse(self.sign_out(browser, self.internal), "it is over")
        self.assertIn("/web/login", self.location(self.go(self.address())))
        self.env.invalidate_all()
        self.assertTrue(all(devices.mapped("revoked")))

    def test_the_id_of_before_a_rotation_goes_along(self):
        self.sign_in()
        browser, sid = self.browser(), self.stored().sid
        self.change(create_time=time.time() - SESSION_ROTATION_INTERVAL - 1)
        self.go("/web/login")
        self.assertTrue(self.sign_out(browser, self.internal))
        self.assertIsNone(root.session_store.get(sid).uid)

    # Signed out of Odoo

    def told(self, leave):
        """Which sessions the bridge is told of while somebody leaves."""
        sessions = set()

        def queue(_model, uids=(), browsers=()):
            sessions.update(browsers)

        with patch.object(type(self.env["drawbridge.event"]), "_queue", queue):
            leave()
        return sessions

    def test_the_bridge_is_told_of_a_session_that_handed_off(self):
        def press_sign_out():
            self.go("/web/session/logout")

        def call_sign_out():
            self.url_open("/web/session/destroy", json={"params": {}}, method="POST")

        def revoke():
            devices = self.env["res.device"].search([("user_id", "=", self.internal.id)])
            devices._revoke()

        def sign_in_as_another():
            params = {"db": self.env.cr.dbname, "login": self.portal.login, "password": PASSWORD}
            self.url_open("/web/session/authenticate", json={"params": params}, method="POST")

        def sign_in_again():
            self.go(self.address(after=str(int(time.time()) + 3)))

        leaves = (press_sign_out, call_sign_out, revoke, sign_in_as_another, sign_in_again)
        for leave in leaves:
            for hands_off in (True, False):
                with self.subTest(leave.__name__, hands_off=hands_off):
                    self.new_browser()
                    self.sign_in()
                    # A page of its own, by which Odoo gets to know the device.
                    self.go("/auth_drawbridge/continue")
                    if hands_off:
                        self.code()
                    browser = self.browser()
                    self.assertEqual(self.told(leave), {browser} if hands_off else set())
                    self.env.invalidate_all()
                    self.assertEqual(self.alive(browser), [])

    def test_the_bridge_is_told_after_a_rotation_too(self):
        self.sign_in()
        self.code()
        browser = self.browser()
        self.change(create_time=time.time() - SESSION_ROTATION_INTERVAL - 1)
        self.go("/web/login")
        self.assertEqual(self.told(lambda: self.go("/web/session/logout")), {browser})
        self.assertEqual(self.told(lambda: self.go("/web/session/logout")), set())
