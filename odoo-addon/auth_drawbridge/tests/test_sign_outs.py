import os
import time
from datetime import timedelta
from unittest.mock import patch

from psycopg2.errors import SerializationFailure

from odoo.exceptions import AccessError
from odoo.fields import Datetime
from odoo.http import SESSION_DELETION_TIMER, SESSION_LIFETIME, request, root
from odoo.tests import tagged

from .. import browsers
from ..models import drawbridge_event, drawbridge_sign_out
from ..models.drawbridge_event import QUEUE
from ..models.drawbridge_sign_out import ATTEMPTS, KEPT, record
from ..models.res_config_settings import EVENT_KEY, ISSUER
from .hand_off import PASSWORD, HandOffCase


@tagged("post_install", "-at_install")
class TestSignOuts(HandOffCase):
    """Which sessions count as signed out, and that nothing of it gets lost."""

    def setUp(self):
        super().setUp()
        # It waits for what may still be written; here nothing is.
        self.startPatcher(patch.object(browsers, "SETTLE", 0))
        # From here on the bridge takes events.
        self.env["drawbridge.bridge"]._public_key()

    def authenticate_here(self, user):
        """Sign in where somebody is signed in, as Odoo's web client does."""
        params = {"db": self.env.cr.dbname, "login": user.login, "password": PASSWORD}
        self.url_open("/web/session/authenticate", json={"params": params}, method="POST")

    # Signed out of Odoo

    def test_which_were_signed_out(self):
        first, second = self.continued(), self.continued(self.portal)
        self.assertEqual(self.signed_out(first, second, "A" * 42), [])
        self.leave()
        self.assertEqual(self.signed_out(first, second, "A" * 42, second), [second])
        self.assertEqual(self.signed_out(first), [])
        self.assertEqual(self.signed_out(), [])

    def test_every_way_to_leave(self):
        def press_sign_out():
            self.leave()

        def call_sign_out():
            self.url_open("/web/session/destroy", json={"params": {}}, method="POST")

        def revoke():
            devices = self.env["res.device"].search([("user_id", "=", self.internal.id)])
            devices._revoke()
            self.env.flush_all()
            self.env.cr.postcommit.run()

        def sign_in_as_another():
            self.authenticate_here(self.portal)

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
                    self.told.clear()
                    with self.assertNoLogs("odoo.http", "WARNING"):
                        leave()
                    told = [subject.browsers for subject, _recorded in self.told]
                    self.assertEqual(told, [{browser}] if hands_off else [])
                    for _subject, recorded in self.told:
                        self.assertIn(browser, recorded, "before the bridge is told, which asks")
                    self.assertEqual(self.signed_out(browser), [browser] if hands_off else [])

    def test_a_session_that_only_expires(self):
        browser = self.continued()
        path = root.session_store.get_session_filename(self.stored().sid)
        long_ago = time.time() - SESSION_LIFETIME - 60
        os.utime(path, (long_ago, long_ago))
        self.env["ir.http"]._gc_sessions()
        self.assertFalse(os.path.exists(path))
        self.assertIn("/web/login", self.location(self.go(self.address())))
        self.leave()
        self.assertEqual(self.signed_out(browser), [])

    def test_another_sign_in_of_the_same_browser_is_another_session(self):
        first = self.continued()
        self.leave()
        self.sign_in()
        second = self.browser()
        self.assertNotEqual(first, second)
        self.code()
        self.assertEqual(self.signed_out(first, second), [first])
        # In place of the one before, which keeps its id until the second factor was given.
        self.enable_totp(self.portal)
        self.authenticate_here(self.portal)
        self.assertEqual(self.browser(), second)
        self.assertEqual(self.signed_out(second), [second])
        self.submit("/web/login/totp", totp_token=self.totp())
        third = self.browser()
        self.code()
        self.assertEqual(self.signed_out(first, second, third), sorted([first, second]))

    def test_after_a_rotation(self):
        browser = self.continued()
        self.rotate()
        self.assertEqual(self.browser(), browser)
        self.leave()
        self.assertEqual(self.signed_out(browser), [browser])
        self.told.clear()
        self.leave()
        self.assertEqual(self.told, [])

    def test_the_id_of_before_a_rotation_ends_without_its_session(self):
        browser = self.continued()
        sid, new = self.rotate(), self.stored().sid
        session = root.session_store.get(sid)
        session["deletion_time"] -= SESSION_DELETION_TIMER + 1
        root.session_store.save(session)
        # Another page that still has it: Odoo empties it.
        self.opener.cookies.clear()
        self.opener.cookies["session_id"] = sid
        for page in ("/web/login", "/web/session/logout", "/web/webclient/translations"):
            self.go(page)
        self.assertTrue(root.session_store.get(new).uid)
        self.assertEqual(self.signed_out(browser), [])

    def test_written_anew_by_a_request_that_was_under_way(self):
        browser, session = self.continued(), self.stored()
        self.leave()
        self.new_browser()
        self.opener.cookies["session_id"] = session.sid
        root.session_store.save(session)
        for after in (None, "1"):
            answer = self.go(self.address(after=after))
            self.assertIn("/web/login", self.location(answer))
            root.session_store.save(session)
            self.opener.cookies["session_id"] = session.sid
        self.assertEqual(self.signed_out(browser), [browser])
        self.continued()

    def test_what_odoo_runs_again_is_recorded_all_the_same(self):
        def revoke():
            [device] = self.env["res.device"].search([("session_identifier", "=", browser)])
            self.new_browser()
            self.sign_in()
            self.change(**{"identity-check-last": time.time()})
            params = {"model": "res.device", "method": "revoke", "args": [device.ids], "kwargs": {}}
            url = "/web/dataset/call_kw/res.device/revoke"
            return lambda: self.url_open(url, json={"params": params}, method="POST")

        def sign_in_as_another():
            return lambda: self.authenticate_here(self.portal)

        def press_sign_out():
            return self.leave

        model = type(self.env["ir.http"])
        original = model._post_dispatch
        # By then a session has been emptied, and has lost its file.
        for prepare in (revoke, sign_in_as_another, press_sign_out):
            with self.subTest(prepare.__name__):
                browser = self.continued()
                leave = prepare()
                attempts = []

                def fail_once(response, attempts=attempts):
                    original(response)
                    attempts.append(response)
                    if len(attempts) == 1:
                        query = "DO $$ BEGIN RAISE SQLSTATE '40001'; END $$"
                        request.env.cr.execute(query, log_exceptions=False)

                with (
                    patch.object(model, "_post_dispatch", staticmethod(fail_once)),
                    patch("odoo.service.model.time.sleep"),
                ):
                    leave()
                self.assertEqual(len(attempts), 2)
                self.assertEqual(self.signed_out(browser), [browser])

    def test_only_by_the_route_for_it(self):
        browser = self.continued()
        for user in (self.internal, self.portal, self.env.ref("base.user_admin")):
            sign_outs = self.env["drawbridge.sign.out"].with_user(user)
            for attempt in (
                lambda: sign_outs.create({"browser": browser, "signed_out_at": Datetime.now()}),
                lambda: sign_outs.search([]).read(["browser"]),
            ):
                with self.assertRaises(AccessError):
                    attempt()

    # How it is recorded

    def recorded(self):
        self.env.invalidate_all()
        return set(self.env["drawbridge.sign.out"].search([]).mapped("browser"))

    def test_nothing_after_a_rollback(self):
        browser = self.continued()
        # By name: a cursor of tests would take back what another one has committed meanwhile.
        with patch.object(drawbridge_event, "record") as recording:
            with self.registry.cursor() as cursor:
                self.env(cr=cursor)["drawbridge.event"]._queue(browsers=[browser])
                self.assertEqual(cursor.postcommit.data[QUEUE].browsers, {browser})
                cursor.rollback()
                cursor.commit()
            # What goes wrong after the password was right takes back what was done until then.
            users = type(self.env["res.users"])
            with patch.object(users, "_mfa_url", side_effect=KeyError("an addon")):
                with self.assertLogs("odoo.http", "ERROR"):
                    self.authenticate_here(self.portal)
        recording.assert_not_called()
        self.assertEqual(self.stored().uid, self.internal.id, "who is still signed in")
        self.assertEqual(self.browser(), browser)
        self.leave()
        self.assertEqual(self.recorded(), {browser})

    def test_where_no_event_can_be_sent(self):
        for key in (EVENT_KEY, ISSUER):
            with self.subTest(key):
                browser = self.continued()
                self.env["ir.config_parameter"].set_param(key, False)
                self.told.clear()
                self.env.flush_all()
                self.leave()
                self.assertEqual(self.told, [])
                self.assertIn(browser, self.recorded())

    def test_twice(self):
        first, second = "A" * 42, "B" * 42
        record(self.registry, {first})
        [row] = self.env["drawbridge.sign.out"].search([])
        long_ago = Datetime.now() - timedelta(days=1)
        row.signed_out_at = long_ago
        self.env.flush_all()
        record(self.registry, {first, second})
        self.assertEqual(self.recorded(), {first, second})
        self.assertEqual(row.signed_out_at, long_ago)

    def test_at_the_same_time_as_another(self):
        insert = drawbridge_sign_out._insert
        for failures, is_recorded in ((1, True), (ATTEMPTS - 1, True), (ATTEMPTS, False)):
            outcomes = iter([SerializationFailure()] * failures)

            def fail(*args, outcomes=outcomes):
                for failure in outcomes:
                    raise failure
                insert(*args)

            browser = str(failures) * 42
            with self.subTest(failures), patch.object(drawbridge_sign_out, "_insert", fail):
                if is_recorded:
                    with self.assertNoLogs(drawbridge_sign_out._logger):
                        record(self.registry, {browser})
                else:
                    with self.assertLogs(drawbridge_sign_out._logger, "ERROR"):
                        record(self.registry, {browser})
                self.assertEqual(browser in self.recorded(), is_recorded)

    def test_what_fails_is_told_all_the_same(self):
        browser = self.continued()
        with (
            patch.object(drawbridge_sign_out, "_insert", side_effect=OSError("no connection")),
            self.assertLogs(drawbridge_sign_out._logger, "ERROR"),
        ):
            self.told.clear()
            self.leave()
        self.assertEqual([subject.browsers for subject, _recorded in self.told], [{browser}])
        self.assertFalse(self.stored().uid)

    def test_kept_for_longer_than_any_bridge_is_away(self):
        record(self.registry, {"A" * 42, "B" * 42})
        old, young = self.env["drawbridge.sign.out"].search([], order="browser")
        old.signed_out_at = Datetime.now() - timedelta(days=KEPT, seconds=5)
        young.signed_out_at = Datetime.now() - timedelta(days=KEPT, seconds=-5)
        self.env.flush_all()
        self.env["drawbridge.sign.out"]._gc_sign_outs()
        self.assertEqual(self.recorded(), {"B" * 42})
