import time
import uuid
from datetime import timedelta

from odoo.tests import HttpCase, new_test_user

from .. import assertion
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
        self.addCleanup(self.bridge.stop)
        self.env["ir.config_parameter"].set_param(ISSUER, self.bridge.issuer)
        self.fetch_keys()

    def fetch_keys(self, bridge=None):
        """Store the keys of a bridge, as if a request had fetched them just now.

        A request cannot do so here: its cursor and the one that stores are savepoints of the same
        connection, and Odoo opens none that may write within one that may not. Workers with
        connections of their own are in ``e2e/addon``.
        """
        bridge = bridge or self.bridge
        self.env["drawbridge.keys"]._refresh(bridge.jwks_url, 0, wait=True)
        bridge.requested.clear()

    def pass_time(self, seconds):
        """Make what is stored of keys older."""
        self.env.cr.execute(
            """UPDATE drawbridge_keys SET tried_at = tried_at - %(time)s,
                                          fetched_at = fetched_at - %(time)s""",
            {"time": timedelta(seconds=seconds)},
        )

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
