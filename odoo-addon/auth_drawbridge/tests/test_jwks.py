import json
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

import requests
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from odoo.tests import tagged

from .. import jwks
from ..models.res_config_settings import ISSUER, JWKS_URL
from .bridge import Bridge, Key
from .common import DrawbridgeCase


@tagged("post_install", "-at_install")
class TestJwks(DrawbridgeCase):
    def setUp(self):
        super().setUp()
        self.now = 1000.0
        self.startPatcher(patch.object(jwks, "monotonic", lambda: self.now))

    def assertNoKeys(self, response):
        self.assertEqual(response.status_code, 503, response.text)
        self.assertEqual(response.headers["Retry-After"], str(jwks.COOL_DOWN))
        self.assertNotIn("Traceback", response.text)

    def test_fetched_once_for_many_calls(self):
        for _ in range(5):
            self.assertAnswers(self.call(self.token()))
        self.assertEqual(self.bridge.requested, ["/.well-known/jwks.json"])

    def test_fetched_anew_when_old(self):
        self.assertAnswers(self.call(self.token()))
        self.now += jwks.MAX_AGE
        self.assertAnswers(self.call(self.token()))
        self.assertEqual(len(self.bridge.requested), 2)

    def test_a_withdrawn_key_ends_with_the_next_fetch(self):
        token = self.token()
        self.assertAnswers(self.call(token))
        self.bridge.key = Key("key-2")
        self.assertAnswers(self.call(token))
        self.now += jwks.MAX_AGE
        self.assertRefused(self.call(token))

    def test_an_unknown_kid_fetches_once(self):
        self.assertAnswers(self.call(self.token()))
        self.now += jwks.COOL_DOWN
        self.bridge.key = Key("key-2")
        self.assertAnswers(self.call(self.token()))
        self.assertAnswers(self.call(self.token()))
        self.assertEqual(len(self.bridge.requested), 2)

    def test_unknown_kids_make_no_storm(self):
        self.assertAnswers(self.call(self.token()))
        for number in range(5):
            invented = Key(f"invented-{number}").sign(self.claims())
            self.assertRefused(self.call(invented))
        self.assertEqual(len(self.bridge.requested), 1)
        self.now += jwks.COOL_DOWN
        for number in range(5):
            invented = Key(f"invented-{number}").sign(self.claims())
            self.assertRefused(self.call(invented))
        self.assertEqual(len(self.bridge.requested), 2)
        self.assertAnswers(self.call(self.token()))

    def test_an_outage_does_not_void_good_tokens(self):
        self.assertAnswers(self.call(self.token()))
        self.bridge.stop()
        self.now += jwks.MAX_STALE_AGE - 1
        with self.assertLogs(jwks.__name__, "WARNING") as log:
            self.assertAnswers(self.call(self.token()))
            self.assertAnswers(self.call(self.token()))
        self.assertEqual(len(log.output), 1, "one attempt per cool-down")

    def test_an_outage_does_not_last_for_ever(self):
        self.assertAnswers(self.call(self.token()))
        self.bridge.stop()
        self.now += jwks.MAX_STALE_AGE
        with self.assertLogs(jwks.__name__, "WARNING"):
            self.assertNoKeys(self.call(self.token()))

    def test_a_bridge_that_was_never_there(self):
        self.bridge.stop()
        with self.assertLogs(jwks.__name__, "WARNING"):
            self.assertNoKeys(self.call(self.token()))

    def test_a_bridge_that_comes_back(self):
        self.bridge.status = 500
        with self.assertLogs(jwks.__name__, "WARNING"):
            self.assertNoKeys(self.call(self.token()))
        self.bridge.status = 200
        self.assertNoKeys(self.call(self.token()))
        self.now += jwks.COOL_DOWN
        self.assertAnswers(self.call(self.token()))
        self.assertEqual(len(self.bridge.requested), 2)

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
                self.now += jwks.COOL_DOWN
                with self.assertLogs(jwks.__name__, "WARNING"):
                    self.assertNoKeys(self.call(self.token()))
        self.bridge.body = good
        self.now += jwks.COOL_DOWN
        self.assertAnswers(self.call(self.token()))

    def test_nonsense_does_not_replace_good_keys(self):
        self.assertAnswers(self.call(self.token()))
        self.bridge.body = b"<html>"
        self.now += jwks.MAX_AGE
        with self.assertLogs(jwks.__name__, "WARNING"):
            self.assertAnswers(self.call(self.token()))

    def test_a_redirect_is_not_followed(self):
        elsewhere = Bridge()
        self.addCleanup(elsewhere.stop)
        self.bridge.status = 302
        self.bridge.headers = {"Location": elsewhere.jwks_url}
        with self.assertLogs(jwks.__name__, "WARNING"):
            self.assertNoKeys(self.call(self.token()))
        self.assertEqual(elsewhere.requested, [])

    def test_a_slow_answer_is_given_up(self):
        real_get = requests.get

        def slow_get(*args, **kwargs):
            self.assertEqual(kwargs["timeout"], jwks.TIMEOUT)
            response = real_get(*args, **kwargs)
            self.now += jwks.TIMEOUT + 1
            return response

        with (
            patch.object(requests, "get", slow_get),
            self.assertLogs(jwks.__name__, "WARNING") as log,
        ):
            self.assertNoKeys(self.call(self.token()))
        self.assertIn("not done in", log.output[0])

    def test_only_keys_that_are_for_this(self):
        key = self.bridge.key
        wrong_keys = {
            "for encryption": key.jwk(use="enc"),
            "of another algorithm": key.jwk(alg="ES384"),
            "of another curve": {**key.jwk(), "crv": "P-384"},
            "half a key": {name: value for name, value in key.jwk().items() if name != "y"},
            "not on the curve": key.jwk(x=key.jwk()["y"]),
            "not text": key.jwk(x=1),
            "a shared secret": {"kty": "oct", "kid": key.kid, "k": "c2VjcmV0", "alg": "HS256"},
            "not a key": "key",
        }
        for what, jwk in wrong_keys.items():
            with self.subTest(what):
                self.bridge.body = json.dumps({"keys": [jwk]}).encode()
                self.now += jwks.MAX_AGE
                self.assertRefused(self.call(self.token()))
        # What is not understood stands in nobody's way.
        self.bridge.body = json.dumps({"keys": [*wrong_keys.values(), key.jwk()]}).encode()
        self.now += jwks.MAX_AGE
        self.assertAnswers(self.call(self.token()))

    def test_other_curves_and_short_keys(self):
        for private_key in (
            ec.generate_private_key(ec.SECP384R1()),
            ec.generate_private_key(ec.SECP256K1()),
            rsa.generate_private_key(65537, 1024),
        ):
            self.bridge.key = Key(self.bridge.key.kid, private_key)
            jwk = self.bridge.key.jwk()
            del jwk["alg"]
            with self.subTest(jwk):
                self.bridge.body = json.dumps({"keys": [jwk]}).encode()
                self.now += jwks.MAX_AGE
                self.assertRefused(self.call(self.token()))

    def test_a_private_key_published_by_mistake_verifies_all_the_same(self):
        self.bridge.body = json.dumps({"keys": [self.bridge.key.jwk(d="AAAA")]}).encode()
        self.assertAnswers(self.call(self.token()))

    def test_keys_at_an_address_of_their_own(self):
        inside = Bridge()
        self.addCleanup(inside.stop)
        inside.issuer = "https://app.example.com"
        parameters = self.env["ir.config_parameter"]
        parameters.set_param(ISSUER, inside.issuer)
        parameters.set_param(JWKS_URL, inside.jwks_url)
        self.assertAnswers(
            self.call(inside.key.sign(inside.claims(self.internal.id, self.audience)))
        )
        # The address of the keys is not the issuer.
        self.assertRefused(self.call(inside.key.sign(self.claims())))
        self.assertEqual(self.bridge.requested, [])

    def test_one_fetch_for_all_who_wait(self):
        key_set = jwks.key_set(self.bridge.jwks_url)
        self.bridge.may_answer.clear()
        with ThreadPoolExecutor() as pool:
            first = pool.submit(key_set.find, "key-1")
            self.assertTrue(self.bridge.was_asked.wait(10))
            others = [pool.submit(key_set.find, "key-1") for _ in range(3)]
            with self.assertRaises(TimeoutError):
                others[0].result(0.1)
            self.bridge.may_answer.set()
            for found in (first, *others):
                self.assertEqual(found.result(10).algorithm, "ES256")
        self.assertEqual(len(self.bridge.requested), 1)

    def test_nobody_waits_who_has_a_key(self):
        key_set = jwks.key_set(self.bridge.jwks_url)
        key = key_set.find("key-1")
        self.now += jwks.MAX_AGE
        self.bridge.was_asked.clear()
        self.bridge.may_answer.clear()
        with ThreadPoolExecutor() as pool:
            fetching = pool.submit(key_set.find, "key-1")
            self.assertTrue(self.bridge.was_asked.wait(10))
            self.assertIs(key_set.find("key-1"), key)
            self.assertFalse(fetching.done())
            self.bridge.may_answer.set()
            self.assertIsNot(fetching.result(10), key)
