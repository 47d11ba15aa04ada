import json
from unittest.mock import patch

import requests
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from odoo.tests import BaseCase, tagged

from .. import jwks
from .bridge import Bridge, Key


@tagged("post_install", "-at_install")
class TestJwks(BaseCase):
    def setUp(self):
        super().setUp()
        self.bridge = Bridge()
        self.addCleanup(self.bridge.stop)

    def fetch(self):
        return jwks.parse(jwks.download(self.bridge.jwks_url))

    def publish(self, *keys):
        self.bridge.body = json.dumps({"keys": keys}).encode()

    def test_a_key(self):
        self.assertEqual(self.fetch()["key-1"].algorithm, "ES256")
        self.bridge.key = Key("key-2", rsa.generate_private_key(65537, 2048))
        self.assertEqual(self.fetch()["key-2"].algorithm, "RS256")

    def test_nothing_comes(self):
        self.bridge.status = 500
        with self.assertRaises(jwks.Unreadable):
            self.fetch()
        self.bridge.stop()
        with self.assertRaises(jwks.Unreadable):
            self.fetch()

    def test_what_is_no_jwk_set(self):
        good = json.dumps({"keys": [self.bridge.key.jwk()]}).encode()
        for body in (
            b"",
            b"<html>",
            b"[]",
            b"null",
            b'{"keys": {}}',
            b'{"keys": null}',
            b"[" * 20000,
            b" " * jwks.MAX_BYTES + good,
        ):
            with self.subTest(body[:20]):
                self.bridge.body = body
                with self.assertRaises(jwks.Unreadable):
                    self.fetch()
        self.bridge.body = good
        self.assertIn("key-1", self.fetch())

    def test_a_redirect_is_not_followed(self):
        elsewhere = Bridge()
        self.addCleanup(elsewhere.stop)
        self.bridge.status = 302
        self.bridge.headers = {"Location": elsewhere.jwks_url}
        with self.assertRaises(jwks.Unreadable):
            self.fetch()
        self.assertEqual(elsewhere.requested, [])

    def test_a_slow_answer_is_given_up(self):
        real_get = requests.get
        now = 1000.0

        def slow_get(*args, **kwargs):
            nonlocal now
            self.assertEqual(kwargs["timeout"], jwks.TIMEOUT)
            response = real_get(*args, **kwargs)
            now += jwks.TIMEOUT + 1
            return response

        with (
            patch.object(jwks, "monotonic", lambda: now),
            patch.object(requests, "get", slow_get),
            self.assertRaisesRegex(jwks.Unreadable, "not done in"),
        ):
            self.fetch()

    def test_only_keys_that_are_for_this(self):
        key = self.bridge.key
        wrong_keys = {
            "for encryption": key.jwk(use="enc"),
            "for ID tokens alone": key.jwk(drawbridge_signs="id_token"),
            "of another algorithm": key.jwk(alg="ES384"),
            "of another curve": {**key.jwk(), "crv": "P-384"},
            "half a key": {name: value for name, value in key.jwk().items() if name != "y"},
            "not on the curve": key.jwk(x=key.jwk()["y"]),
            "not text": key.jwk(x=1),
            "a shared secret": {"kty": "oct", "kid": key.kid, "k": "c2VjcmV0", "alg": "HS256"},
            "not a key": "key",
            "without a name": {**key.jwk(), "kid": None},
        }
        for what, jwk in wrong_keys.items():
            with self.subTest(what):
                self.publish(jwk)
                self.assertEqual(self.fetch(), {})
        # What is not understood stands in nobody's way.
        self.publish(*wrong_keys.values(), key.jwk())
        self.assertEqual(list(self.fetch()), ["key-1"])

    def test_other_curves_and_short_keys(self):
        for private_key in (
            ec.generate_private_key(ec.SECP384R1()),
            ec.generate_private_key(ec.SECP256K1()),
            rsa.generate_private_key(65537, 1024),
        ):
            jwk = Key("key-1", private_key).jwk()
            del jwk["alg"]
            with self.subTest(jwk):
                self.publish(jwk)
                self.assertEqual(self.fetch(), {})

    def test_nothing_private_is_kept(self):
        self.publish(self.bridge.key.jwk(d="AAAA", x5c=["AAAA"]))
        self.assertNotIn("AAAA", jwks.download(self.bridge.jwks_url))
        self.assertIn("key-1", self.fetch())

    def test_the_same_keys_are_the_same_version(self):
        def version():
            return jwks.version_of(jwks.download(self.bridge.jwks_url))

        one, other = self.bridge.key.jwk(), Key("key-2").jwk()
        self.publish(one, other)
        first = version()
        self.publish(dict(reversed(other.items())), one)
        self.assertEqual(version(), first)
        self.publish(one)
        self.assertNotEqual(version(), first)
