import time
import uuid
from unittest.mock import patch

from odoo.tests import HttpCase, new_test_user

from .. import assertion, jwks
from ..models.res_config_settings import ISSUER
from .bridge import Bridge


class DrawbridgeCase(HttpCase):
    """A bridge that serves its key, an Odoo that trusts it, an internal and a portal user."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.internal = new_test_user(
            cls.env, "drawbridge-internal", groups="base.group_user,base.group_partner_manager"
        )
        cls.portal = new_test_user(cls.env, "drawbridge-portal", groups="base.group_portal")
        cls.audience = "odoo:" + cls.env["ir.config_parameter"].get_param("database.uuid")

    def setUp(self):
        super().setUp()
        self.bridge = Bridge()
        # Its port may be one that an earlier test had, with other keys.
        self.startPatcher(patch.dict(jwks._key_sets, clear=True))
        self.addCleanup(self.bridge.stop)
        self.env["ir.config_parameter"].set_param(ISSUER, self.bridge.issuer)

    def claims(self, user=None, **changes):
        user = user or self.internal
        return self.bridge.claims(user.id, self.audience, **changes)

    def token(self, user=None, **changes):
        return self.bridge.key.sign(self.claims(user, **changes))

    def call(self, token, model="res.partner", method="search_count", cookies=None, **params):
        """``POST /json/2/<model>/<method>`` with a bearer token."""
        if method == "search_count":
            params.setdefault("domain", [])
        return self.url_open(
            f"/json/2/{model}/{method}",
            json=params,
            headers={"Authorization": f"Bearer {token}"},
            cookies=cookies,
            method="POST",
        )

    def assertion(self, path, body, key=None, typ=assertion.TYP, **changes):
        """What proves that a request is the bridge's; ``changes`` as for :meth:`claims`."""
        now = int(time.time())
        claims = {
            "iss": self.bridge.issuer,
            "aud": self.audience,
            "iat": now,
            "exp": now + 60,
            "jti": str(uuid.uuid4()),
            "htm": "POST",
            "htu": path,
            "content_digest": assertion.content_digest(body),
            **changes,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        return (key or self.bridge.key).sign(claims, typ=typ)

    def post_as_bridge(self, path, body, token, headers=None):
        return self.url_open(
            path,
            data=body,
            headers={
                "Content-Type": "application/json",
                **({"Authorization": f"Bearer {token}"} if token else {}),
                **(headers or {}),
            },
            method="POST",
        )

    def ask_as_bridge(self, path, body, headers=None):
        """A request with a good assertion."""
        return self.post_as_bridge(path, body, self.assertion(path, body), headers)

    def assertAnswers(self, response):
        self.assertEqual(response.status_code, 200, response.text)
        return response.json()

    def assertRefused(self, response, description="The access token is invalid."):
        """401, as RFC 6750 section 3.1 has it, and no word more than needed."""
        self.assertEqual(response.status_code, 401, response.text)
        self.assertEqual(
            response.headers["WWW-Authenticate"],
            f'Bearer error="invalid_token", error_description="{description}"',
        )
        self.assertNotIn("Traceback", response.text)

    def assertLacksScope(self, response, scope):
        self.assertEqual(response.status_code, 403, response.text)
        self.assertEqual(
            response.headers["WWW-Authenticate"],
            'Bearer error="insufficient_scope", '
            f'error_description="The access token does not allow this.", scope="{scope}"',
        )
        self.assertNotIn("Traceback", response.text)
