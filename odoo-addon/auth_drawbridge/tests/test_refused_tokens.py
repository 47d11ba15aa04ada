import base64
import hashlib
import hmac
import json
import logging
from unittest.mock import patch

import jwt
from cryptography.hazmat.primitives import serialization

from odoo import api
from odoo.tests import tagged

from .. import access_token
from ..models import ir_http
from ..models.res_config_settings import ISSUER
from .bridge import Key, base64url
from .common import DrawbridgeCase


def unsigned(header, claims):
    return f"{base64url(json.dumps(header).encode())}.{base64url(json.dumps(claims).encode())}"


@tagged("post_install", "-at_install")
class TestRefusedTokens(DrawbridgeCase):
    """A good token is good (``test_bearer``); each of these differs from it in one thing."""

    def test_claims(self):
        now = self.claims()["iat"]
        wrong = {
            "issuer": {"iss": "http://127.0.0.1:1"},
            "part of the issuer": {"iss": self.bridge.issuer[:-1]},
            "issuers": {"iss": [self.bridge.issuer]},
            "no issuer": {"iss": None},
            "audience": {"aud": f"{self.bridge.issuer}/api"},
            "audiences": {"aud": [f"{self.bridge.issuer}/api", self.bridge.issuer]},
            "audience as a part": {"aud": f"{self.audience}0"},
            "audience as a key": {"aud": {self.audience: 1}},
            "no audience": {"aud": None},
            "no exp": {"exp": None},
            "exp as text": {"exp": str(now + 600)},
            "exp as a fraction": {"exp": now + 600.5},
            "exp without end": {"exp": float("inf")},
            "no iat": {"iat": None},
            "iat to come": {"iat": now + 60},
            "iat of true": {"iat": True},
            "a day long": {"exp": now + 86400},
            "backdated to live long": {"iat": now - 3600, "exp": now + 3600},
            "not yet": {"nbf": now + 60},
            "no sub": {"sub": None},
            "sub of a name": {"sub": self.internal.login},
            "sub as a number": {"sub": self.internal.id},
            "sub with a zero": {"sub": f"0{self.internal.id}"},
            "sub with a space": {"sub": f"{self.internal.id} "},
            "sub with a line": {"sub": f"{self.internal.id}\n"},
            "sub in other digits": {"sub": "\u0661"},
            "sub below zero": {"sub": "-1"},
            "sub of zero": {"sub": "0"},
            "sub beyond integers": {"sub": str(2**31)},
            "sub far beyond": {"sub": "9" * 400},
            "no client": {"client_id": None},
            "no jti": {"jti": None},
            "no sid": {"sid": None},
            "empty sid": {"sid": ""},
            "scopes as a list": {"scope": ["odoo.read"]},
        }
        for what, changes in wrong.items():
            with self.subTest(what):
                self.assertRefused(self.call(self.token(**changes)))

    def test_users(self):
        archived = self.internal.copy({"login": "archived", "active": False})
        gone = self.internal.copy({"login": "gone"})
        gone_token = self.token(gone)
        gone.unlink()
        wrong = {
            "the superuser": self.token(self.env["res.users"].browse(api.SUPERUSER_ID)),
            "the public user": self.token(self.env.ref("base.public_user")),
            "archived": self.token(archived),
            "deleted": gone_token,
            "never was": self.token(sub=str(2**31 - 1)),
        }
        for what, token in wrong.items():
            with self.subTest(what):
                self.assertRefused(self.call(token))

    def test_the_public_user_even_when_active(self):
        public = self.env.ref("base.public_user")
        public.active = True
        self.assertRefused(self.call(self.token(public)))

    def test_the_superuser_even_when_active(self):
        self.env.cr.execute("UPDATE res_users SET active = true WHERE id = %s", [api.SUPERUSER_ID])
        self.assertRefused(self.call(self.token(self.env["res.users"].browse(api.SUPERUSER_ID))))

    def test_archived_from_now_on(self):
        token = self.token()
        self.assertAnswers(self.call(token))
        self.internal.active = False
        self.assertRefused(self.call(token))

    def test_expired(self):
        now = self.claims()["iat"]
        token = self.token(iat=now - 600, exp=now - 10)
        self.assertRefused(self.call(token), "The access token expired.")

    def test_expired_and_forged_is_only_forged(self):
        now = self.claims()["iat"]
        claims = self.claims(iat=now - 600, exp=now - 10)
        self.assertRefused(self.call(Key(self.bridge.key.kid).sign(claims)))

    def test_headers(self):
        wrong = {
            "a refresh token": {"typ": "rt+jwt"},
            "any JWT": {"typ": "JWT"},
            "no typ": {"typ": None},
            "another media type": {"typ": "text/at+jwt"},
            "no kid": {"kid": None},
            "unknown kid": {"kid": "key-2"},
            "empty kid": {"kid": ""},
            "critical extension": {"crit": ["exp"]},
            "empty crit": {"crit": []},
            "an extension that PyJWT knows": {"crit": ["b64"], "b64": True},
        }
        for what, header in wrong.items():
            with self.subTest(what):
                self.assertRefused(self.call(self.bridge.key.sign(self.claims(), **header)))

    def test_typ_that_is_no_text(self):
        header = {"typ": ["at+jwt"], "kid": self.bridge.key.kid, "alg": "ES256"}
        self.assertRefused(self.call(f"{unsigned(header, self.claims())}.AAAA"))

    def test_another_key_of_the_same_kid(self):
        self.assertRefused(self.call(Key(self.bridge.key.kid).sign(self.claims())))

    def test_changed_after_signing(self):
        header, _claims, signature = self.token(self.portal).split(".")
        claims = self.token(self.internal).split(".")[1]
        self.assertRefused(self.call(f"{header}.{claims}.{signature}"))

    def test_no_signature(self):
        for alg in ("none", "None", "ES256", ""):
            header = {"typ": "at+jwt", "kid": self.bridge.key.kid, "alg": alg}
            for signature in ("", "AAAA", "A" * 86):
                with self.subTest(alg=alg, signature=signature):
                    self.assertRefused(self.call(f"{unsigned(header, self.claims())}.{signature}"))

    def test_the_public_key_as_a_shared_secret(self):
        public_key = self.bridge.key.private_key.public_key()
        secrets = [
            public_key.public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            ),
            public_key.public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            ),
            public_key.public_bytes(
                serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
            ),
            json.dumps(self.bridge.key.jwk()).encode(),
        ]
        header = {"typ": "at+jwt", "kid": self.bridge.key.kid, "alg": "HS256"}
        for secret in secrets:
            with self.subTest(secret):
                signing_input = unsigned(header, self.claims())
                digest = hmac.new(secret, signing_input.encode(), hashlib.sha256).digest()
                self.assertRefused(self.call(f"{signing_input}.{base64url(digest)}"))

    def test_another_algorithm_in_the_header_than_the_keys(self):
        header, claims, signature = self.token().split(".")
        members = json.loads(base64.urlsafe_b64decode(f"{header}=="))
        renamed = base64url(json.dumps({**members, "alg": "ES384"}).encode())
        self.assertRefused(self.call(f"{renamed}.{claims}.{signature}"))

    def test_unreadable(self):
        claims = base64url(json.dumps(self.claims()).encode())
        deep = base64url(b'{"a":' + b"[" * 3000)
        for token in (
            "eyJ..",
            "eyJ.eyJ.eyJ",
            f"eyJ.{claims}.AAAA",
            f"{deep}.{claims}.AAAA",
            f"{self.token()}A",
            f"{self.token()[:-1]}",
        ):
            with self.subTest(token):
                self.assertRefused(self.call(token))

    def test_a_header_that_breaks_the_decoder(self):
        # Nested JSON does on Pythons before 3.13.
        broken = patch.object(jwt, "get_unverified_header", side_effect=RecursionError)
        with broken:
            self.assertRefused(self.call(self.token()))

    def test_signed_nonsense(self):
        header = {"typ": "at+jwt", "kid": self.bridge.key.kid, "alg": "ES256"}
        for payload in (b"[1]", b'"a"', b"null", b"{", b"\xff", b"[" * 3000, b""):
            with self.subTest(payload):
                self.assertRefused(self.call(self.bridge.key.jws(payload, header)))

    def test_too_long(self):
        token = self.token(padding="x" * access_token.MAX_LENGTH)
        self.assertRefused(self.call(token))
        self.assertEqual(self.bridge.requested, [], "refused before anything is done with it")

    def test_no_issuer_configured(self):
        self.env["ir.config_parameter"].set_param(ISSUER, False)
        ir_http._say_once_that_no_issuer_is_set.cache_clear()
        with self.assertLogs(ir_http.__name__, "WARNING") as log:
            self.assertRefused(self.call(self.token()))
            self.assertRefused(self.call(self.token()))
        self.assertEqual(len(log.output), 1, log.output)
        self.assertEqual(self.bridge.requested, [])

    def test_no_issuer_configured_and_a_token_without_one(self):
        self.env["ir.config_parameter"].set_param(ISSUER, False)
        for iss in (None, "", "False", False):
            with self.subTest(iss):
                self.assertRefused(self.call(self.token(iss=iss)))

    def test_the_log_tells_why_and_never_the_token(self):
        token = self.token(aud="odoo:other")
        # By number: Odoo gives the name INFO to another level.
        with self.assertLogs(ir_http.__name__, logging.INFO) as log:
            self.assertRefused(self.call(token))
        self.assertIn("InvalidAudienceError", log.output[0])
        for part in token.split("."):
            self.assertNotIn(part, log.output[0])

    def test_nothing_is_written(self):
        # On a read-only cursor (a replica) a write would make Odoo run the request twice.
        token = self.token()
        self.assertAnswers(self.call(token))
        verify = access_token.verify
        with patch.object(access_token, "verify", side_effect=verify) as verified:
            self.assertAnswers(self.call(token))
        self.assertEqual(verified.call_count, 1)

    def test_the_refresh_token_of_this_bridge(self):
        # HS256 by the bridge's own secret, so by no key of the JWKS.
        header = {"typ": "rt+jwt", "kid": "refresh-1", "alg": "HS256"}
        signing_input = unsigned(header, self.claims())
        digest = hmac.new(b"secret", signing_input.encode(), hashlib.sha256).digest()
        self.assertRefused(self.call(f"{signing_input}.{base64url(digest)}"))
        self.assertEqual(self.bridge.requested, [], "no key is looked up for another kind")
