import logging

from odoo.tests import tagged

from .. import jwks
from ..models import ir_http
from .bridge import Key
from .common import DrawbridgeCase

PATH = "/auth_drawbridge/1/keys"


@tagged("post_install", "-at_install")
class TestKeysPush(DrawbridgeCase):
    def push(self, body=b"{}", key=None):
        return self.post_as_bridge(PATH, body, self.assertion(PATH, body, key=key))

    def test_fetched_whatever_their_age(self):
        self.pass_time(jwks.PUSH_COOL_DOWN)
        stolen, self.bridge.key = self.bridge.key, Key("key-2")
        token = stolen.sign(self.claims())
        self.assertAnswers(self.call(token))
        # By a key that is new to Odoo, as after a compromise.
        self.assertEqual(self.assertAnswers(self.push()), {"kids": ["key-2"]})
        self.assertRefused(self.call(token))
        self.assertAnswers(self.call(self.token()))
        self.assertEqual(len(self.bridge.requested), 1)
        # And what the thief has does not bring the key back.
        self.pass_time(jwks.PUSH_COOL_DOWN)
        self.assertRefused(self.push(key=stolen))

    def test_at_most_once_a_second(self):
        self.pass_time(jwks.PUSH_COOL_DOWN)
        for _ in range(3):
            self.assertEqual(self.assertAnswers(self.push()), {"kids": ["key-1"]})
        self.assertEqual(len(self.bridge.requested), 1)

    def test_only_where_it_is_asked_for_the_cool_down_is_short(self):
        self.pass_time(jwks.PUSH_COOL_DOWN)
        self.bridge.key = Key("key-2")
        path = "/auth_drawbridge/1/hello"
        self.assertRefused(self.ask_as_bridge(path, b"{}"))
        self.assertEqual(self.bridge.requested, [])
        self.assertAnswers(self.push())
        self.assertAnswers(self.ask_as_bridge(path, b"{}"))

    def test_the_first_request_of_all(self):
        self.env.cr.execute("DELETE FROM drawbridge_keys")
        self.assertEqual(self.assertAnswers(self.push()), {"kids": ["key-1"]})
        self.assertEqual(len(self.bridge.requested), 1)

    def test_keys_in_the_body_are_refused(self):
        mine = Key("mine")
        for body in (b'{"keys": []}', b'{"kids": ["mine"]}', b"[]", b"", b"null", b"[" * 20000):
            with self.subTest(body[:20]):
                self.assertEqual(self.push(body).status_code, 400)
        self.assertRefused(self.call(mine.sign(self.claims())))
        self.assertEqual(self.bridge.requested, [])

    def test_only_by_the_bridge(self):
        self.assertRefused(self.post_as_bridge(PATH, b"{}", None))
        self.assertRefused(self.post_as_bridge(PATH, b"{}", self.token()))
        self.assertRefused(
            self.post_as_bridge(PATH, b"{}", self.assertion("/auth_drawbridge/1/hello", b"{}"))
        )
        self.assertRefused(self.push(key=Key("key-1")))

    def test_a_bridge_that_gives_none_keeps_those_that_are_there(self):
        self.pass_time(jwks.PUSH_COOL_DOWN)
        self.bridge.status = 500
        with self.assertLogs("odoo.addons.auth_drawbridge.models.drawbridge_keys", "WARNING"):
            self.assertEqual(self.assertAnswers(self.push()), {"kids": ["key-1"]})

    def test_the_log_tells_who_was_refused(self):
        with self.assertLogs(ir_http.__name__, logging.INFO) as log:
            self.assertRefused(self.push(key=Key("invented")))
        self.assertIn("unknown kid", log.output[0])
