import base64
import hashlib
import json
import re
import time
from urllib.parse import parse_qs, urlencode, urlsplit

from odoo.http import root
from odoo.tests.common import Opener

from odoo.addons.auth_totp.models.totp import hotp

from .bridge import base64url
from .common import DrawbridgeCase

PASSWORD = "the password of the test"

VERIFIER = base64url(b"the verifier of the test that is one")
CHALLENGE = base64url(hashlib.sha256(VERIFIER.encode()).digest())
STATE = "a-state_of_the-test-0123456789"

TOTP_KEY = b"12345678901234567890"


class HandOffCase(DrawbridgeCase):
    """Somebody with a browser, and the bridge that gets to know them by what Odoo sends it."""

    def setUp(self):
        super().setUp()
        self.new_browser()
        for user in (self.internal, self.portal):
            user.password = PASSWORD
        self.env.flush_all()

    # The browser

    def new_browser(self):
        """One that was never here. Unlike those of Odoo's harness, its sessions are like any other."""
        self.opener = Opener(self)
        self.opener.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"

    def go(self, url, **options):
        """One request, whose redirect is for the test to look at."""
        return self.url_open(url, allow_redirects=False, timeout=60, **options)

    def submit(self, page, **values):
        """Send a form of Odoo's with what is typed into it, and what is hidden in it."""
        form = self.go(page)
        self.assertEqual(form.status_code, 200, form.headers.get("Location"))
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form.text)[1]
        redirect = re.search(r'name="redirect"[^>]*value="([^"]*)"', form.text)
        hidden = {"csrf_token": token}
        if redirect:
            hidden["redirect"] = redirect[1].replace("&amp;", "&")
        return self.go(urlsplit(page).path, data={**hidden, **values}, method="POST")

    def sign_in(self, user=None, page="/web/login"):
        """Give the password; the answer is where Odoo leads to next."""
        user = user or self.internal
        return self.submit(page, login=user.login, password=PASSWORD, type="password")

    def location(self, response):
        self.assertEqual(response.status_code, 303, response.text)
        return response.headers["Location"]

    def enable_totp(self, user=None):
        user = user or self.internal
        secret = base64.b32encode(TOTP_KEY).decode()
        query = "UPDATE res_users SET totp_secret = %s WHERE id = %s"
        self.env.cr.execute(query, [secret, user.id])
        self.env.invalidate_all()
        self.env.registry.clear_cache()

    def totp(self):
        return str(hotp(TOTP_KEY, int(time.time() / 30))).zfill(6)

    def stored(self):
        """The session of Odoo that the browser has now, as it is stored."""
        return root.session_store.get(self.opener.cookies.get("session_id", domain=None))

    def change(self, **values):
        """Change what is in the session of the browser; None takes it out."""
        session = self.stored()
        for name, value in values.items():
            if value is None:
                session.pop(name, None)
            else:
                session[name] = value
        root.session_store.save(session)

    # The hand-off

    def address(self, **parameters):
        parameters = {"state": STATE, "code_challenge": CHALLENGE, **parameters}
        parameters = {name: value for name, value in parameters.items() if value is not None}
        return f"/auth_drawbridge/continue?{urlencode(parameters, doseq=True)}"

    def answer(self, response):
        """The parameters of a redirect to the bridge; to nowhere else is there one."""
        location = self.location(response)
        url = urlsplit(location)
        self.assertEqual(
            f"{url.scheme}://{url.netloc}{url.path}",
            f"{self.bridge.issuer}/auth/continue/odoo/callback",
        )
        self.assertFalse(url.fragment)
        parameters = parse_qs(url.query, keep_blank_values=True, strict_parsing=True)
        self.assertEqual(set(parameters), {"code", "state", "iss"})
        return {name: value for name, [value] in parameters.items()}

    def code(self, **parameters):
        return self.answer(self.go(self.address(**parameters)))["code"]

    def codes(self):
        self.env.invalidate_all()
        return self.env["drawbridge.code"].sudo().search([])

    # The bridge

    def ask(self, name, **parameters):
        path = f"/auth_drawbridge/1/{name}"
        return self.ask_as_bridge(path, json.dumps(parameters).encode())

    def redeem(self, code, code_verifier=VERIFIER):
        return self.assertAnswers(self.ask("redeem", code=code, code_verifier=code_verifier))

    def assertDenied(self, code, code_verifier=VERIFIER):
        self.assertEqual(self.redeem(code, code_verifier), {"outcome": "denied"})

    def identity(self, **parameters):
        """Hand off and redeem."""
        identity = self.redeem(self.code(**parameters))
        self.assertEqual(identity["outcome"], "identity")
        return identity
