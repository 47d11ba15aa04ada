import time
from contextlib import contextmanager
from types import SimpleNamespace
from unittest.mock import patch

from odoo import api
from odoo.exceptions import AccessDenied
from odoo.http import SESSION_ROTATION_INTERVAL, root
from odoo.tests import tagged

from .. import authentication
from ..authentication import RECORD
from .hand_off import PASSWORD, HandOffCase
from .passkey import ORIGIN, Passkey

AN_HOUR_AGO = 3600


@tagged("post_install", "-at_install")
class TestAuthentication(HandOffCase):
    """``amr`` and ``auth_time``, by what Odoo's own pages have asked."""

    def assertSignedInNow(self, amr):
        identity = self.identity()
        self.assertEqual(identity["amr"], amr)
        self.assertAlmostEqual(identity["auth_time"], time.time(), delta=10)

    def long_ago(self):
        """Make the sign-in of the browser one of an hour ago."""
        record = self.stored()[RECORD]
        self.change(**{RECORD: {**record, "auth_time": int(time.time()) - AN_HOUR_AGO}})

    def assertSignedInLongAgo(self, amr):
        identity = self.identity()
        self.assertEqual(identity["amr"], amr)
        self.assertAlmostEqual(identity["auth_time"], time.time() - AN_HOUR_AGO, delta=10)

    @contextmanager
    def credentials(self, method, mfa="default"):
        """Have any password taken, as by another addon's method."""

        def check(users, credential, env):
            if credential["type"] != "password":
                raise AccessDenied()
            return {"uid": users.env.user.id, "auth_method": method, "mfa": mfa}

        name = "odoo.addons.base.models.res_users.ResUsersPatchedInTest._check_credentials"
        with patch(name, new=check):
            yield

    def rpc(self, model, method, *args, **kwargs):
        params = {"model": model, "method": method, "args": args, "kwargs": kwargs}
        response = self.url_open("/web/dataset/call_kw", json={"params": params}, method="POST")
        return response.json()

    def confirm(self, password):
        """Do what Odoo asks the password for once more; whether it was right."""
        wizard = self.rpc("res.users", "api_key_wizard", self.internal.id)["result"]
        self.assertEqual(wizard["res_model"], "res.users.identitycheck")
        context = {"password": password}
        answer = self.rpc(wizard["res_model"], "run_check", wizard["res_id"], context=context)
        return "result" in answer

    def passkey(self):
        self.env["ir.config_parameter"].set_param("web.base.url", ORIGIN)
        passkey = Passkey(b"the passkey of the test")
        self.env.cr.execute(
            """INSERT INTO auth_passkey_key (name, credential_identifier, public_key, create_uid)
               VALUES ('test', %s, %s, %s)""",
            [passkey.identifier, passkey.public_key(), self.internal.id],
        )
        self.env.invalidate_all()
        self.env.registry.clear_cache()
        return passkey

    def challenge(self):
        answer = self.url_open("/auth/passkey/start-auth", json={}, method="POST").json()
        return answer["result"]["challenge"]

    # What was asked

    def test_password(self):
        for user in (self.internal, self.portal):
            self.new_browser()
            self.sign_in(user)
            self.assertSignedInNow(["pwd"])

    def test_password_of_the_web_client_and_other_programs(self):
        params = {"db": self.env.cr.dbname, "login": self.internal.login, "password": PASSWORD}
        self.url_open("/web/session/authenticate", json={"params": params}, method="POST")
        self.assertSignedInNow(["pwd"])

    def test_second_factor(self):
        self.enable_totp()
        page = self.location(self.sign_in())
        self.submit(page, totp_token="1")
        self.assertIsNone(self.stored().uid)
        self.assertEqual(self.stored()[RECORD]["amr"], ["pwd"], "a wrong code is none")
        self.submit(page, totp_token=self.totp())
        self.assertSignedInNow(["pwd", "otp", "mfa"])

    def test_second_factor_by_email(self):
        self.internal.email = "person@example.com"
        self.env["ir.config_parameter"].set_param("auth_totp.policy", "all_required")
        page = self.location(self.sign_in())
        self.env.invalidate_all()
        code, _validity = self.internal._get_totp_mail_code()
        self.submit(page, totp_token=code)
        self.assertSignedInNow(["pwd", "otp", "mfa"])

    def test_a_trusted_device_was_not_asked_for_the_second_factor(self):
        self.enable_totp()
        page = self.location(self.sign_in())
        self.submit(page, totp_token=self.totp(), remember="1")
        self.assertSignedInNow(["pwd", "otp", "mfa"])
        self.go("/web/session/logout")
        page = self.location(self.sign_in())
        self.assertEqual(self.go(page).status_code, 303, "the cookie is enough")
        self.assertSignedInNow(["pwd"])

    def test_passkey(self):
        passkey = self.passkey()
        for verified in (False, True):
            form = {"type": "webauthn", "webauthn_response": "", "password": ""}
            form["webauthn_response"] = passkey.assertion(self.challenge(), verified)
            response = self.submit("/web/login", **form)
            if not verified:
                self.assertEqual(response.status_code, 200, "Odoo wants the user verified")
                self.assertIsNone(self.stored().uid)
        self.assertSignedInNow(["pop", "user", "mfa"])

    def test_a_passkey_needs_no_code(self):
        self.enable_totp()
        passkey = self.passkey()
        response = passkey.assertion(self.challenge())
        self.submit("/web/login", type="webauthn", webauthn_response=response, password="")
        self.assertSignedInNow(["pop", "user", "mfa"])

    def test_methods_of_other_addons(self):
        for method, amr in {"ldap": ["pwd"], "oauth": [], "impersonation": [], "new": []}.items():
            with self.subTest(method), self.credentials(method):
                self.new_browser()
                self.sign_in()
                self.assertSignedInNow(amr)

    def test_an_unknown_first_factor_and_a_code(self):
        self.enable_totp()
        with self.credentials("oauth"):
            page = self.location(self.sign_in())
        self.submit(page, totp_token=self.totp())
        self.assertSignedInNow(["otp"])

    # When nothing was recorded

    def test_a_session_from_before_the_addon(self):
        began = int(time.time()) - 3 * 86400
        self.authenticate(self.internal.login, PASSWORD, session_extra={"create_time": began})
        trace = {"platform": "x", "browser": "y", "ip_address": "z", "last_activity": began}
        self.change(_trace=[{**trace, "first_activity": began + 10}])
        self.assertNotIn(RECORD, self.stored())
        # Its id is rotated, and Odoo forgets that it began days ago.
        self.go("/web/session/logout-not-there")
        identity = self.identity()
        self.assertEqual(identity["amr"], [])
        self.assertLessEqual(identity["auth_time"], began + 10)
        self.assertIn("/web/login?", self.location(self.go(self.address(after=str(began + 11)))))

    def test_a_record_of_somebody_else(self):
        self.sign_in()
        self.change(**{RECORD: {**self.stored()[RECORD], "uid": self.portal.id}})
        self.assertEqual(self.identity()["amr"], [])

    # Again

    def test_asked_again(self):
        self.sign_in()
        self.long_ago()
        self.assertFalse(self.confirm("wrong"))
        self.assertSignedInLongAgo(["pwd"])
        self.assertTrue(self.confirm(PASSWORD))
        self.assertSignedInNow(["pwd"])
        self.long_ago()
        # Odoo asks every ten minutes only.
        answer = self.rpc("res.users", "api_key_wizard", self.internal.id)["result"]
        self.assertEqual(answer["res_model"], "res.users.apikeys.description")
        self.assertSignedInLongAgo(["pwd"])

    def test_asked_again_by_a_passkey(self):
        self.sign_in()
        passkey = self.passkey()
        self.change(session_token=self.token_of_session())
        self.long_ago()
        self.assertTrue(self.confirm(passkey.assertion(self.challenge())))
        self.assertSignedInNow(["pop", "user", "mfa"])

    def token_of_session(self):
        return self.internal.with_user(self.internal)._compute_session_token(self.stored().sid)

    def test_a_password_does_not_renew_two_factors(self):
        self.enable_totp()
        page = self.location(self.sign_in())
        self.submit(page, totp_token=self.totp())
        self.long_ago()
        self.assertTrue(self.confirm(PASSWORD))
        self.assertSignedInLongAgo(["pwd", "otp", "mfa"])

    def test_of_an_unknown_method_asked_again(self):
        with self.credentials("oauth"):
            self.sign_in()
        self.long_ago()
        self.assertTrue(self.confirm(PASSWORD))
        self.assertSignedInNow(["pwd"])

    def test_signed_in_as_somebody_else(self):
        self.enable_totp()
        page = self.location(self.sign_in())
        self.submit(page, totp_token=self.totp())
        token = self.stored()
        params = {"db": self.env.cr.dbname, "login": self.portal.login, "password": PASSWORD}
        self.url_open("/web/session/authenticate", json={"params": params}, method="POST")
        self.assertNotEqual(self.stored().sid, token.sid)
        identity = self.identity()
        self.assertEqual(identity["uid"], self.portal.id)
        self.assertEqual(identity["amr"], ["pwd"])

    def test_what_programs_are_asked_is_nothing_to_a_session(self):
        self.sign_in()
        self.long_ago()
        for service, args in {
            "common": ["authenticate", self.env.cr.dbname, self.internal.login, PASSWORD, {}],
            "object": ["execute_kw", self.env.cr.dbname, self.internal.id, PASSWORD, "res.users",
                       "search_count", [[]]],
        }.items():
            params = {"service": service, "method": args[0], "args": args[1:]}
            answer = self.url_open("/jsonrpc", json={"params": params}, method="POST").json()
            self.assertTrue(answer["result"])
        self.assertAnswers(self.ask("sign_in", login=self.internal.login, password=PASSWORD))
        self.assertSignedInLongAgo(["pwd"])

    def test_only_where_somebody_types_into_a_session_that_is_kept(self):
        for can_save in (True, False):
            session = SimpleNamespace(can_save=can_save)
            with patch.object(authentication, "request", SimpleNamespace(session=session)):
                for env in (None, {}, {"interactive": False}):
                    self.assertIsNone(authentication.session_of(env))
                found = authentication.session_of({"interactive": True})
                self.assertIs(found, session if can_save else None)

    # What the session goes through

    def test_survives_the_rotation_of_the_id(self):
        self.sign_in()
        before = self.identity()
        sid = self.stored().sid
        self.change(create_time=time.time() - SESSION_ROTATION_INTERVAL - 1)
        self.go("/web/login")
        self.assertNotEqual(self.stored().sid, sid)
        self.assertTrue(root.session_store.get(sid).get("next_sid"), "the id of before is kept")
        after = self.identity()
        for name in ("amr", "auth_time", "browser"):
            self.assertEqual(after[name], before[name])

    def test_goes_when_signed_out(self):
        self.sign_in()
        self.go("/web/session/logout")
        self.assertNotIn(RECORD, self.stored())

    def test_without_a_request(self):
        users = self.env(user=api.SUPERUSER_ID)["res.users"]
        credential = {"type": "password", "login": self.internal.login, "password": PASSWORD}
        for env in ({"interactive": True}, {"interactive": False}):
            self.assertEqual(users.authenticate(credential, env)["uid"], self.internal.id)
            person = self.internal.with_user(self.internal)
            self.assertEqual(person._check_credentials(credential, env)["uid"], self.internal.id)
        with self.assertRaises(AccessDenied):
            users.authenticate({**credential, "password": "wrong"}, {"interactive": True})

    def test_every_method_of_a_session_is_one_of_the_rfc(self):
        known = {"pwd", "otp", "mfa", "pop", "user"}
        for methods in authentication._FIRST_FACTORS.values():
            self.assertLessEqual(set(methods), known)
