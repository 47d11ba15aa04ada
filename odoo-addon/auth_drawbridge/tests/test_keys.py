import json
from unittest.mock import patch

from odoo.tests import tagged

from .. import jwks
from ..models import drawbridge_keys
from ..models.res_config_settings import ISSUER, JWKS_URL
from .bridge import Bridge, Key
from .common import DrawbridgeCase

LOGGER = drawbridge_keys.__name__


@tagged("post_install", "-at_install")
class TestKeys(DrawbridgeCase):
    def setUp(self):
        super().setUp()
        self.keys = self.env["drawbridge.keys"]
        self.forget()

    def forget(self):
        """As if this database had never met its bridge, nor this process its keys."""
        self.env.cr.execute("DELETE FROM drawbridge_keys")
        drawbridge_keys._parsed.clear()

    def find(self, kid="key-1", **finding):
        url = self.bridge.jwks_url
        return self.keys._find(url, self.keys._stored(url), kid, **finding)

    def assertNoKeys(self):
        # Not by assertRaises: Odoo's undoes what was written meanwhile, and with it the attempt.
        try:
            self.find()
        except jwks.KeysUnavailable:
            return
        self.fail("There are keys.")

    def test_fetched_once_by_whoever_comes_first(self):
        for _ in range(5):
            self.assertEqual(self.find().algorithm, "ES256")
            # Another process.
            drawbridge_keys._parsed.clear()
        self.assertEqual(self.bridge.requested, ["/.well-known/jwks.json"])

    def test_read_once_by_a_process(self):
        self.find()
        stored = self.keys._stored(self.bridge.jwks_url)
        with self.assertQueryCount(0):
            self.keys._find(self.bridge.jwks_url, stored, "key-1")

    def test_fetched_anew_when_old(self):
        self.find()
        self.pass_time(jwks.MAX_AGE)
        self.find()
        self.find()
        self.assertEqual(len(self.bridge.requested), 2)

    def test_a_withdrawn_key_ends_with_the_next_fetch(self):
        self.find()
        self.bridge.key = Key("key-2")
        self.assertTrue(self.find())
        self.pass_time(jwks.MAX_AGE)
        self.assertIsNone(self.find())

    def test_another_key_of_the_same_name(self):
        before = self.find()
        self.bridge.key = Key("key-1")
        self.pass_time(jwks.MAX_AGE)
        self.assertNotEqual(self.find().public_key, before.public_key)

    def test_an_unknown_kid_fetches_once(self):
        self.find()
        self.pass_time(jwks.COOL_DOWN)
        self.bridge.key = Key("key-2")
        self.assertTrue(self.find("key-2"))
        self.assertTrue(self.find("key-2"))
        self.assertEqual(len(self.bridge.requested), 2)

    def test_unknown_kids_make_no_storm(self):
        self.find()
        for times in (1, 2):
            for number in range(5):
                drawbridge_keys._parsed.clear()
                self.assertIsNone(self.find(f"invented-{number}"))
            self.assertEqual(len(self.bridge.requested), times)
            self.pass_time(jwks.COOL_DOWN)
        self.assertTrue(self.find())

    def test_who_did_not_know_of_an_attempt_makes_none(self):
        """A request whose snapshot is older than what another worker has stored meanwhile."""
        stored = self.keys._stored(self.bridge.jwks_url)
        self.find()
        self.assertTrue(self.keys._find(self.bridge.jwks_url, stored, "key-1"))
        self.assertIsNone(self.keys._find(self.bridge.jwks_url, stored, "invented"))
        self.assertEqual(len(self.bridge.requested), 1)

    def test_an_outage_does_not_void_good_tokens(self):
        self.find()
        self.bridge.stop()
        self.pass_time(jwks.MAX_STALE_AGE - 5)
        with self.assertLogs(LOGGER, "WARNING") as log:
            self.assertTrue(self.find())
            self.assertTrue(self.find())
        self.assertEqual(len(log.output), 1, "one attempt per cool-down")

    def test_an_outage_does_not_last_for_ever(self):
        self.find()
        self.bridge.stop()
        self.pass_time(jwks.MAX_STALE_AGE)
        with self.assertLogs(LOGGER, "WARNING"):
            self.assertNoKeys()

    def test_a_bridge_that_comes_back(self):
        self.bridge.status = 500
        with self.assertLogs(LOGGER, "WARNING"):
            self.assertNoKeys()
        self.bridge.status = 200
        self.assertNoKeys()
        self.pass_time(jwks.COOL_DOWN)
        self.assertTrue(self.find())
        self.assertEqual(len(self.bridge.requested), 2)

    def test_nonsense_does_not_replace_good_keys(self):
        self.find()
        self.bridge.body = b"<html>"
        self.pass_time(jwks.MAX_AGE)
        with self.assertLogs(LOGGER, "WARNING"):
            self.assertTrue(self.find())

    def test_a_clock_that_was_put_back(self):
        self.find()
        self.pass_time(-86400)
        self.bridge.key = Key("key-2")
        self.assertIsNone(self.find(), "what is of tomorrow is not fresh until then")
        self.assertEqual(len(self.bridge.requested), 2, "nor does its attempt hold up others")

    def test_keys_of_another_database_of_this_process(self):
        """Who writes in one database cannot plant keys for another by the name of its version."""
        self.find()
        url = self.bridge.jwks_url
        version = self.keys._stored(url).version
        planted = json.dumps({"key-1": {**Key("key-1").jwk(), "kid": None}})
        self.env.cr.execute("UPDATE drawbridge_keys SET document = %s", [planted])
        drawbridge_keys._parsed.clear()
        with self.assertLogs(LOGGER, "ERROR"):
            self.assertIsNone(self.find())
        self.assertNotIn(version, drawbridge_keys._parsed)

    def test_addresses_of_former_pairings_are_forgotten(self):
        self.find()
        self.keys._gc_keys()
        self.assertTrue(self.keys._stored(self.bridge.jwks_url).version)
        self.pass_time(86401)
        self.keys._gc_keys()
        self.assertFalse(self.keys._stored(self.bridge.jwks_url).version)

    def test_nobody_reads_or_writes_them_by_the_api(self):
        for user in (self.internal, self.portal):
            for model in ("drawbridge.keys", "drawbridge.revocation"):
                for operation in ("read", "write", "create", "unlink"):
                    self.assertFalse(self.env[model].with_user(user).has_access(operation))
        admin = self.env.ref("base.user_admin")
        for operation in ("write", "create", "unlink"):
            self.assertFalse(self.keys.with_user(admin).has_access(operation))

    # By requests. One that only reads cannot store anything here, see ``fetch_keys``.

    def assertUnavailable(self, response):
        self.assertEqual(response.status_code, 503, response.text)
        self.assertEqual(response.headers["Retry-After"], str(jwks.COOL_DOWN))
        self.assertNotIn("Traceback", response.text)

    def write_by(self, token):
        return self.call(token, method="create", vals_list=[{"name": "By token"}])

    def test_a_request_with_a_new_key_has_it_fetched(self):
        self.fetch_keys()
        self.pass_time(jwks.COOL_DOWN)
        self.bridge.key = Key("key-2")
        self.assertAnswers(self.write_by(self.token()))
        self.assertAnswers(self.write_by(self.token()))
        self.assertAnswers(self.call(self.token()))
        self.assertEqual(len(self.bridge.requested), 1)

    def test_a_bridge_that_was_never_there(self):
        self.bridge.stop()
        with self.assertLogs(LOGGER, "WARNING"):
            self.assertUnavailable(self.write_by(self.token()))

    def test_keys_at_an_address_of_their_own(self):
        inside = Bridge()
        self.addCleanup(inside.stop)
        inside.issuer = "https://app.example.com"
        parameters = self.env["ir.config_parameter"]
        parameters.set_param(ISSUER, inside.issuer)
        parameters.set_param(JWKS_URL, inside.jwks_url)
        token = inside.key.sign(inside.claims(self.internal.id, self.audience))
        self.assertAnswers(self.write_by(token))
        self.fetch_keys(inside)
        # The address of the keys is not the issuer.
        self.assertRefused(self.call(inside.key.sign(self.claims())))
        self.assertEqual(self.bridge.requested, [])

    def test_one_question_to_the_database(self):
        """What decides on a token comes in one answer, whatever it is."""
        self.fetch_keys()
        token = self.token()
        self.assertAnswers(self.call(token))
        asked = []
        execute = type(self.env.cr).execute

        def counting(cr, query, *args, **kwargs):
            if "drawbridge_" in str(getattr(query, "code", query)):
                asked.append(query)
            return execute(cr, query, *args, **kwargs)

        with patch.object(type(self.env.cr), "execute", counting):
            self.assertAnswers(self.call(token))
        self.assertEqual(len(asked), 1, asked)
