import time

from odoo import SUPERUSER_ID, fields
from odoo.tests import tagged

from ..models.res_config_settings import ISSUER
from .hand_off import CHALLENGE, STATE, HandOffCase


@tagged("post_install", "-at_install")
class TestHandOff(HandOffCase):
    """The way there: who gets a code, and where it goes."""

    def test_whoever_is_signed_in_goes_on_to_the_bridge(self):
        for user in (self.internal, self.portal):
            with self.subTest(user.login):
                self.new_browser()
                self.sign_in(user)
                response = self.go(self.address())
                answer = self.answer(response)
                self.assertEqual(answer["state"], STATE)
                self.assertEqual(answer["iss"], self.audience)
                self.assertRegex(answer["code"], r"\A[A-Za-z0-9_-]{43}\Z")
                self.assertEqual(response.headers["Cache-Control"], "no-store")
                self.assertEqual(response.headers["Referrer-Policy"], "no-referrer")
                identity = self.redeem(answer["code"])
                self.assertEqual(identity["outcome"], "identity")
                self.assertEqual(identity["uid"], user.id)
                self.assertEqual(identity["login"], user.login)
                self.assertEqual(identity["browser"], self.stored().sid[:42])
                self.assertTrue(identity["stamp"])

    def test_by_way_of_the_login_page(self):
        for user in (self.internal, self.portal):
            with self.subTest(user.login):
                self.new_browser()
                page = self.location(self.go(self.address(), method="GET"))
                self.assertIn("/web/login?redirect=", page)
                self.assertFalse(self.codes())
                back = self.location(self.sign_in(user, page))
                answer = self.answer(self.go(back))
                self.assertEqual(answer["state"], STATE)
                self.assertEqual(self.redeem(answer["code"])["uid"], user.id)

    def test_by_way_of_the_login_page_and_a_second_factor(self):
        self.enable_totp()
        after = str(int(time.time()) - 5)
        page = self.location(self.go(self.address(after=after)))
        page = self.location(self.sign_in(page=page))
        self.assertIn("/web/login/totp", page)
        # Half signed in is not signed in.
        self.assertIn("/web/login?", self.location(self.go(self.address())))
        self.assertFalse(self.codes())
        back = self.location(self.submit(page, totp_token=self.totp()))
        answer = self.answer(self.go(back))
        self.assertEqual(answer["state"], STATE)
        self.assertEqual(self.redeem(answer["code"])["amr"], ["pwd", "otp", "mfa"])

    def test_nowhere_else(self):
        self.sign_in()
        elsewhere = "https://attacker.example.com/"
        for name in ("redirect_uri", "redirect", "issuer", "iss", "next", "url"):
            with self.subTest(name):
                self.code(**{name: elsewhere})
        self.answer(self.go(self.address(), headers={"X-Forwarded-Host": "attacker.example.com"}))

    def test_a_malformed_address(self):
        self.sign_in()
        now = int(time.time())
        for what, parameters in {
            "no state": {"state": None},
            "an empty state": {"state": ""},
            "a short state": {"state": "a" * 21},
            "a long state": {"state": "a" * 201},
            "a state that is no base64url": {"state": "a" * 30 + "+"},
            "a state with a line break": {"state": "a" * 30 + "\n"},
            "two states": {"state": [STATE, STATE]},
            "no challenge": {"code_challenge": None},
            "a short challenge": {"code_challenge": CHALLENGE[:-1]},
            "a long challenge": {"code_challenge": CHALLENGE + "A"},
            "a challenge in hexadecimal": {"code_challenge": "0" * 64},
            "two challenges": {"code_challenge": [CHALLENGE, "A" * 43]},
            "a time that is none": {"after": "now"},
            "an empty time": {"after": ""},
            "a time before 1970": {"after": "-1"},
            "half a second": {"after": "1.5"},
            "digits of another script": {"after": "١"},
            "two times": {"after": ["1", "2"]},
            "a time to come": {"after": str(now + 60)},
            "the end of time": {"after": "9" * 11},
        }.items():
            with self.subTest(what):
                response = self.go(self.address(**parameters))
                self.assertEqual(response.status_code, 400, response.text)
                self.assertIn("Go back to the app", response.text)
                self.assertEqual(response.headers["X-Frame-Options"], "DENY")
                self.assertNotIn("Location", response.headers)
        self.assertFalse(self.codes())
        for state in ("a" * 22, "a" * 200):
            self.assertEqual(self.answer(self.go(self.address(state=state)))["state"], state)

    def test_not_paired(self):
        self.sign_in()
        self.env["ir.config_parameter"].set_param(ISSUER, False)
        response = self.go(self.address())
        self.assertEqual(response.status_code, 404)
        self.assertIn("not connected", response.text)
        self.assertFalse(self.codes())

    def test_never_in_a_frame_or_beforehand(self):
        self.sign_in()
        for name, value in {
            "Sec-Purpose": "prefetch",
            "Sec-Purpose ": "prefetch;prerender",
            "Purpose": "prefetch",
            "X-Purpose": "preview",
            "X-Moz": "prefetch",
            "Sec-Fetch-Dest": "iframe",
            "Sec-Fetch-Dest ": "empty",
            "Sec-Fetch-Dest  ": "image",
        }.items():
            with self.subTest(f"{name}: {value}"):
                response = self.go(self.address(), headers={name.strip(): value})
                self.assertEqual(response.status_code, 403)
        for method in ("HEAD", "OPTIONS"):
            with self.subTest(method):
                self.assertEqual(self.go(self.address(), method=method).status_code, 405)
        self.assertEqual(self.go(self.address(), method="POST", data={"a": "b"}).status_code, 405)
        self.assertFalse(self.codes())
        response = self.go(self.address(), headers={"Sec-Fetch-Dest": "document"})
        self.answer(response)
        self.assertEqual(response.headers["X-Frame-Options"], "DENY")
        self.assertEqual(response.headers["Content-Security-Policy"], "frame-ancestors 'none'")
        # Nor is anybody signed out by what their browser fetches beforehand.
        after = str(int(time.time()) + 1)
        self.go(self.address(after=after), headers={"Sec-Purpose": "prefetch"})
        self.go(self.address(after=after), method="HEAD")
        self.code()

    def test_who_may_not(self):
        self.sign_in()
        # Who is an administrator may become the superuser.
        self.internal.write({"group_ids": [fields.Command.link(self.ref("base.group_system"))]})
        self.env.flush_all()
        self.go("/web/become")
        self.assertEqual(self.stored().uid, SUPERUSER_ID)
        response = self.go(self.address())
        self.assertEqual(response.status_code, 403)
        self.assertFalse(self.codes())

    def test_archived_before(self):
        self.sign_in()
        self.internal.active = False
        self.env.flush_all()
        self.assertIn("/web/login", self.location(self.go(self.address())))
        self.assertFalse(self.codes())

    # Since when

    def test_signed_in_since(self):
        self.sign_in()
        identity = self.identity(after=str(int(time.time()) - 60))
        self.assertAlmostEqual(identity["auth_time"], time.time(), delta=10)
        self.code(after=str(identity["auth_time"]))

    def test_signed_in_too_early(self):
        self.sign_in()
        before = self.stored()
        now = int(time.time())
        record = {**before["auth_drawbridge.authentication"], "auth_time": now - 1000}
        self.change(**{"auth_drawbridge.authentication": record})
        self.code(after=str(now - 1000))
        page = self.location(self.go(self.address(after=str(now - 999))))
        self.assertIn("/web/login?redirect=", page)
        self.assertIsNone(self.stored().uid)
        self.assertNotEqual(self.stored().sid[:42], before.sid[:42])
        back = self.location(self.sign_in(page=page))
        answer = self.answer(self.go(back))
        self.assertEqual(answer["state"], STATE)
        self.assertGreaterEqual(self.redeem(answer["code"])["auth_time"], now)

    def test_a_clock_ahead_does_not_ask_for_ever(self):
        self.sign_in()
        after = str(int(time.time()) + 4)
        page = self.location(self.go(self.address(after=after)))
        back = self.location(self.sign_in(page=page))
        self.answer(self.go(back))
        # But who comes with another time is asked for that one.
        self.assertIn(
            "/web/login?", self.location(self.go(self.address(after=str(int(time.time()) + 5))))
        )
