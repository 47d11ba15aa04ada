import json
import time
from unittest.mock import patch

from odoo import api
from odoo.tests import new_test_user, tagged
from odoo.tools import config

from odoo.addons.auth_totp.models.totp import TOTP, hotp

from .. import assertion
from ..models.ir_http import MAX_BODY
from ..models.res_config_settings import ISSUER
from .bridge import Key
from .common import DrawbridgeCase

SECRET = b"12345678901234567890"
PASSWORD = "the password of the test"


@tagged("post_install", "-at_install")
class TestBridgeApi(DrawbridgeCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.person = new_test_user(
            cls.env, "drawbridge-person", password=PASSWORD, groups="base.group_user"
        )

    def ask(self, name, headers=None, **parameters):
        path, body = f"/auth_drawbridge/1/{name}", json.dumps(parameters).encode()
        return self.ask_as_bridge(path, body, headers)

    def answer(self, name, **parameters):
        return self.assertAnswers(self.ask(name, **parameters))

    def sign_in(self, password=PASSWORD, **parameters):
        return self.answer("sign_in", login=self.person.login, password=password, **parameters)

    def enable_totp(self):
        self.env.cr.execute(
            "UPDATE res_users SET totp_secret = %s WHERE id = %s",
            ["GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", self.person.id],
        )
        self.env.invalidate_all()
        self.env.registry.clear_cache()

    def code(self):
        return str(hotp(SECRET, int(time.time() / 30))).zfill(6)

    def logins(self):
        return self.env["res.users.log"].search_count([("create_uid", "=", self.person.id)])

    # Who may ask

    def test_only_by_an_assertion_for_this_request(self):
        path, body = "/auth_drawbridge/1/profile", json.dumps({"uid": self.person.id}).encode()
        self.assertAnswers(self.post_as_bridge(path, body, self.assertion(path, body)))
        now = int(time.time())
        wrong = {
            "another issuer": {"iss": "http://127.0.0.1:1"},
            "another database": {"aud": "odoo:other"},
            "several audiences": {"aud": [self.audience, "odoo:other"]},
            "another method": {"htm": "GET"},
            "another path": {"htu": "/auth_drawbridge/1/lookup"},
            "another body": {"content_digest": assertion.content_digest(body + b" ")},
            "no body": {"content_digest": None},
            "no path": {"htu": None},
            "no jti": {"jti": None},
            "no exp": {"exp": None},
            "a digest that is no text": {"content_digest": 1},
            "longer than a minute": {"iat": now - 1, "exp": now + 60},
            "of tomorrow": {"iat": now + 86400, "exp": now + 86460},
        }
        for what, changes in wrong.items():
            with self.subTest(what):
                self.assertRefused(self.post_as_bridge(path, body, self.assertion(path, body, **changes)))
        expired = self.assertion(path, body, iat=now - 70, exp=now - 10)
        self.assertRefused(self.post_as_bridge(path, body, expired), "The access token expired.")
        with self.subTest("another key"):
            forged = self.assertion(path, body, key=Key(self.bridge.key.kid))
            self.assertRefused(self.post_as_bridge(path, body, forged))
        for typ in ("at+jwt", "rt+jwt", "JWT", None):
            with self.subTest(typ):
                self.assertRefused(self.post_as_bridge(path, body, self.assertion(path, body, typ=typ)))
        with self.subTest("nothing"):
            self.assertRefused(self.post_as_bridge(path, body, None))

    def test_an_access_token_is_no_assertion_nor_the_other_way_round(self):
        path, body = "/auth_drawbridge/1/hello", b"{}"
        self.assertRefused(self.post_as_bridge(path, body, self.token(self.person)))
        # With all that an access token needs, and signed by the same key.
        both = self.claims(
            self.person, htm="POST", htu=path, content_digest=assertion.content_digest(body)
        )
        self.assertRefused(self.call(self.bridge.key.sign(both, typ=assertion.TYP)))
        both["exp"] = both["iat"] + 60
        self.assertRefused(self.post_as_bridge(path, body, self.bridge.key.sign(both)))
        self.assertAnswers(self.post_as_bridge(path, body, self.bridge.key.sign(both, typ=assertion.TYP)))

    def test_a_repeated_assertion_is_good_for_the_same_request_alone(self):
        path, body = "/auth_drawbridge/1/profile", json.dumps({"uid": self.person.id}).encode()
        token = self.assertion(path, body)
        first = self.assertAnswers(self.post_as_bridge(path, body, token))
        self.assertEqual(self.assertAnswers(self.post_as_bridge(path, body, token)), first)
        other = json.dumps({"uid": self.internal.id}).encode()
        self.assertRefused(self.post_as_bridge(path, other, token))
        self.assertRefused(self.post_as_bridge("/auth_drawbridge/1/lookup", body, token))

    def test_not_paired(self):
        self.env["ir.config_parameter"].set_param(ISSUER, False)
        self.assertRefused(self.ask("profile", uid=self.person.id))

    def test_what_is_signed_may_still_be_malformed(self):
        for name, parameters in {
            "sign_in": {"login": 1, "password": "x"},
            "lookup": {},
            "lookup of no account": {"oauth": {"provider": 1}},
            "lookup of an empty account": {"oauth": {"provider": 1, "uid": ""}},
            "lookup at no provider": {"oauth": {"provider": True, "uid": "1"}},
            "lookup of a list": {"oauth": [1, "1"]},
            "profile": {"uid": True},
            "stamps": {"uids": ["1"]},
        }.items():
            with self.subTest(name):
                self.assertEqual(self.ask(name.split()[0], **parameters).status_code, 400)
        path = "/auth_drawbridge/1/profile"
        for body in (b"", b"{", b"[]", b"\xff"):
            with self.subTest(body):
                answer = self.post_as_bridge(path, body, self.assertion(path, body))
                self.assertEqual(answer.status_code, 400)
        large = b" " * (MAX_BODY + 1)
        self.assertEqual(self.post_as_bridge(path, large, self.assertion(path, large)).status_code, 413)

    def test_leaves_no_session(self):
        self.assertNotIn("Set-Cookie", self.ask("hello").headers)
        response = self.ask("sign_in", login=self.person.login, password=PASSWORD)
        self.assertNotIn("Set-Cookie", response.headers)

    # Sign-in

    def test_password(self):
        identity = self.sign_in()
        self.assertEqual(identity["outcome"], "identity")
        self.assertEqual(identity["uid"], self.person.id)
        self.assertEqual(identity["amr"], ["pwd"])
        self.assertIn("base.group_user", identity["groups"])
        self.assertTrue(self.person.log_ids)
        self.assertEqual(self.sign_in("wrong"), {"outcome": "denied"})
        nobody = self.answer("sign_in", login="nobody", password=PASSWORD)
        self.assertEqual(nobody, {"outcome": "denied"})
        self.person.active = False
        self.assertEqual(self.sign_in(), {"outcome": "denied"})

    def test_totp(self):
        self.enable_totp()
        self.assertEqual(
            self.sign_in(), {"outcome": "second_factor_required", "method": "totp"}
        )
        self.assertEqual(self.sign_in("wrong", code=self.code()), {"outcome": "denied"})
        self.assertEqual(self.sign_in(code="no"), {"outcome": "second_factor_denied"})
        self.assertEqual(self.sign_in(code="000000"), {"outcome": "second_factor_denied"})
        code = self.code()
        identity = self.sign_in(code=f"{code[:3]} {code[3:]}")
        self.assertEqual(identity["outcome"], "identity")
        self.assertEqual(identity["amr"], ["pwd", "otp", "mfa"])
        self.assertEqual(self.sign_in(code=code), {"outcome": "second_factor_denied"}, "once")

    def test_code_by_email(self):
        self.person.email = "person@example.com"
        self.env["ir.config_parameter"].set_param("auth_totp.policy", "all_required")
        users = type(self.env["res.users"])
        send = users._send_totp_mail_code
        with patch.object(users, "_send_totp_mail_code", autospec=True, side_effect=send) as sent:
            due = self.sign_in()
            self.assertEqual(due, {"outcome": "second_factor_required", "method": "totp_mail"})
            self.assertEqual(sent.call_count, 1)
            self.env.invalidate_all()
            code, _validity = self.person._get_totp_mail_code()
            wrong = str((int(code) + 1) % 1000000)
            logins = self.logins()
            self.assertEqual(self.sign_in(code=wrong), {"outcome": "second_factor_denied"})
            # The code hangs on the time of the last login: a try must not be one.
            self.assertEqual(self.logins(), logins)
            identity = self.sign_in(code=code)
            self.assertEqual(identity["outcome"], "identity")
            self.assertEqual(self.logins(), logins + 1)
            self.assertEqual(identity["amr"], ["pwd", "otp", "mfa"])
            self.assertEqual(sent.call_count, 1, "not sent again for a code that came")
            self.assertEqual(self.sign_in(code=code), {"outcome": "second_factor_denied"}, "once")
            self.assertEqual(self.sign_in("wrong"), {"outcome": "denied"})
            self.assertEqual(sent.call_count, 1, "nothing is sent for a wrong password")
            self.person.email = False
            self.assertEqual(self.sign_in(), due, "the answer tells nothing of the mail")

    def test_wrong_codes_stay_counted(self):
        self.enable_totp()
        wrong = str((int(self.code()) + 1) % 1000000)
        with patch.object(TOTP, "match", return_value=None):
            for _ in range(5):
                self.assertEqual(self.sign_in(code=wrong), {"outcome": "second_factor_denied"})
        log = self.env["auth.totp.rate.limit.log"].search([("user_id", "=", self.person.id)])
        self.assertEqual(len(log), 5)
        self.assertEqual(self.sign_in(code=self.code()), {"outcome": "second_factor_denied"})

    def test_wrong_passwords_are_counted_per_client(self):
        def attempt(address, password):
            headers = {"X-Forwarded-For": address, "X-Forwarded-Host": "app.example.com"}
            return self.assertAnswers(
                self.ask("sign_in", headers, login=self.person.login, password=password)
            )["outcome"]

        self.env["ir.config_parameter"].set_param("base.login_cooldown_after", 3)
        self.env.registry._login_failures.clear()
        with patch.dict(config.options, {"proxy_mode": True}):
            for _ in range(3):
                self.assertEqual(attempt("198.51.100.1", "wrong"), "denied")
            self.assertEqual(attempt("198.51.100.1", PASSWORD), "denied", "has to wait")
            self.assertEqual(attempt("198.51.100.2", PASSWORD), "identity", "and nobody else")
            answer = self.assertAnswers(
                self.ask(
                    "hello",
                    {"X-Forwarded-For": "198.51.100.3", "X-Forwarded-Host": "app.example.com"},
                )
            )
            self.assertEqual(answer["client_address"], "198.51.100.3")
        self.env.registry._login_failures.clear()

    # Who somebody is

    def test_profile_and_lookup(self):
        profile = self.answer("profile", uid=self.person.id)
        self.assertEqual(profile["login"], self.person.login)
        self.assertEqual(profile["company"], self.person.company_id.id)
        self.assertEqual([each["id"] for each in profile["companies"]], self.person.company_ids.ids)
        self.assertIn("base.group_user", profile["groups"])
        looked_up = self.answer("lookup", login=self.person.login)
        self.assertEqual(looked_up, {**profile, "second_factor": False})
        self.assertEqual(self.answer("lookup", login="nobody"), {"uid": None, "active": False})
        self.assertNotIn("base.group_user", self.answer("profile", uid=self.portal.id)["groups"])
        public = self.env.ref("base.public_user").id
        for uid in (2**31 - 1, api.SUPERUSER_ID, public):
            with self.subTest(uid):
                self.assertEqual(self.answer("profile", uid=uid), {"uid": uid, "active": False})
        self.person.active = False
        archived = {"uid": self.person.id, "active": False}
        self.assertEqual(self.answer("profile", uid=self.person.id), archived)

    def test_stamps(self):
        def stamp():
            uids = [self.person.id, self.portal.id, 2**31 - 1]
            return self.answer("stamps", uids=uids)["stamps"]

        first = stamp()
        self.assertEqual(set(first), {str(self.person.id), str(self.portal.id)})
        self.assertEqual(stamp(), first)
        self.assertEqual(self.sign_in()["stamp"], first[str(self.person.id)])
        seen = [first]
        for what, change in {
            "password": lambda: self.person.write({"password": "another password"}),
            "login": lambda: self.person.write({"login": "drawbridge-renamed"}),
            "second factor": self.enable_totp,
        }.items():
            with self.subTest(what):
                change()
                seen.append(stamp())
                self.assertNotEqual(seen[-1][str(self.person.id)], seen[-2][str(self.person.id)])
                self.assertEqual(seen[-1][str(self.portal.id)], first[str(self.portal.id)])
        self.person.active = False
        self.assertNotIn(str(self.person.id), stamp())

    # Calls with arguments by position

    def rpc(self, token, model, method, *args, **kwargs):
        response = self.url_open(
            f"/auth_drawbridge/1/call/{model}/{method}",
            json={"jsonrpc": "2.0", "params": {"args": args, "kwargs": kwargs}},
            headers={"Authorization": f"Bearer {token}"},
            method="POST",
        )
        return self.assertAnswers(response)

    def test_calls_run_as_the_user(self):
        token = self.token(self.portal)
        count = self.rpc(token, "res.partner", "search_count", [])["result"]
        self.assertEqual(count, self.env["res.partner"].with_user(self.portal).search_count([]))
        refused = self.rpc(token, "res.partner", "create", [{"name": "No"}])
        self.assertEqual(refused["error"]["data"]["name"], "odoo.exceptions.AccessError")

    def test_calls_need_the_scope(self):
        token = self.token(self.internal, scope="odoo.read")
        self.assertIn("result", self.rpc(token, "res.partner", "search_count", []))
        refused = self.rpc(token, "res.partner", "create", [{"name": "No"}])
        self.assertIn("InsufficientScope", refused["error"]["data"]["name"])

    def test_calls_of_what_is_not_public(self):
        token = self.token(self.internal)
        for model, method in (("res.users", "_drawbridge_profile"), ("no.model", "read")):
            with self.subTest(method):
                self.assertIn("error", self.rpc(token, model, method, [self.internal.id]))

    def test_calls_with_a_wrong_token(self):
        for token in (self.token(aud="odoo:other"), self.token(sub="0")):
            refused = self.rpc(token, "res.partner", "search_count", [])
            self.assertEqual(
                refused["error"]["data"]["name"],
                "odoo.addons.auth_drawbridge.exceptions.InvalidToken",
            )
            self.assertNotIn("Traceback", json.dumps(refused))
