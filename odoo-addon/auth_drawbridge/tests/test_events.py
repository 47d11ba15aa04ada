import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest.mock import patch

import jwt

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.modules.neutralize import get_neutralization_queries
from odoo.tests import new_test_user, tagged

from .. import event
from ..assertion import content_digest
from ..models.drawbridge_event import QUEUE
from ..models.res_config_settings import BRIDGE_URL, EVENT_KEY, ISSUER
from .common import DrawbridgeCase


class Receiver:
    """Takes events on a free port of loopback until :meth:`stop`.

    :param list statuses: of the answers, the last one for all that follow
    """

    def __init__(self, statuses):
        self.received = []
        self.arrived = threading.Semaphore(0)
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = statuses[min(len(receiver.received), len(statuses) - 1)]
                receiver.received.append((self.path, self.headers["Authorization"], body))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
                receiver.arrived.release()

            def log_message(self, *args):
                """Odoo's log is the test's own."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.02])
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def stop(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@tagged("post_install", "-at_install")
class TestEvents(DrawbridgeCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.person = new_test_user(
            cls.env, "drawbridge-person", password="the first password", groups="base.group_user"
        )
        cls.other = new_test_user(cls.env, "drawbridge-other", groups="base.group_user")

    def setUp(self):
        super().setUp()
        self.events = self.env["drawbridge.event"]
        self.key = self.events._public_key()
        self.forget()
        self.addCleanup(self.forget)

    def forget(self):
        self.env.flush_all()
        self.env.cr.postcommit.clear()

    def queued(self):
        """Whom an event would be about now, or None."""
        self.env.flush_all()
        queue = self.env.cr.postcommit.data.get(QUEUE)
        return None if queue is None else set(queue.uids)

    def assertTells(self, change, *users):
        """``change`` queues one event, about these users."""
        self.forget()
        change()
        self.assertEqual(self.queued(), {user.id for user in users})
        self.assertEqual(len(self.env.cr.postcommit), 1)

    def stamp(self, user=None):
        user = user or self.person
        user.invalidate_recordset()
        return user._drawbridge_stamp()

    def receiver(self, *statuses):
        receiver = Receiver(statuses)
        self.addCleanup(receiver.stop)
        self.env["ir.config_parameter"].set_param(BRIDGE_URL, receiver.url)
        return receiver

    def commit(self):
        """What a real cursor does after its commit; that of a test drops it."""
        threads = set(threading.enumerate())
        self.env.cr.postcommit.run()
        for thread in set(threading.enumerate()) - threads:
            if thread.name == "drawbridge.event":
                thread.join(10)

    # What is told

    def test_what_changes_the_stamp(self):
        enabled = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
        for what, change in {
            "password": lambda: self.person.write({"password": "another password"}),
            "password of the wizard": lambda: self.person._change_password("a third password"),
            "rehash": lambda: self.person._set_encrypted_password(
                self.person.id, self.person._crypt_context().hash("another password")
            ),
            "login": lambda: self.person.write({"login": "drawbridge-renamed"}),
            "TOTP enabled": lambda: self.person.sudo().write({"totp_secret": enabled}),
            "TOTP disabled": lambda: self.person.sudo().write({"totp_secret": False}),
            "all devices": lambda: self.person._action_revoke_all_devices(),
            "all devices again": lambda: self.person._action_revoke_all_devices(),
        }.items():
            with self.subTest(what):
                before = self.stamp()
                self.assertTells(change, self.person)
                self.assertNotEqual(self.stamp(), before)

    def test_who_may_not_sign_in_any_more(self):
        self.assertTells(lambda: self.person.write({"active": False}), self.person)
        self.assertTells(lambda: self.person.write({"active": True}), self.person)
        uid = self.person.id
        self.forget()
        self.person.unlink()
        self.assertEqual(self.queued(), {uid})

    def test_passkeys(self):
        passkeys = self.env["auth.passkey.key"].sudo().with_user(self.person).sudo()

        def add(name):
            values = {"name": name, "credential_identifier": name}
            return passkeys.create(values)

        before = self.stamp()
        self.assertTells(lambda: add("direct"), self.person)
        self.env.cr.execute("UPDATE auth_passkey_key SET public_key = 'x'")
        self.assertNotEqual(self.stamp(), before)
        before = self.stamp()
        self.assertTells(lambda: passkeys.search([("name", "=", "direct")]).unlink(), self.person)
        self.assertNotEqual(self.stamp(), before)
        person = self.person.with_user(self.person).sudo()
        values = {"name": "by the user", "credential_identifier": "b"}
        command = Command.create(values)
        self.assertTells(lambda: person.write({"auth_passkey_key_ids": [command]}), self.person)
        command = Command.delete(person.auth_passkey_key_ids.id)
        self.assertTells(lambda: person.write({"auth_passkey_key_ids": [command]}), self.person)

    def test_groups(self):
        groups = self.env["res.groups"]
        managers = self.ref("base.group_partner_manager")
        group = groups.create({"name": "Drawbridge"})
        implying = groups.create({"name": "Implying", "implied_ids": [Command.link(group.id)]})
        link = Command.link
        both = (self.person, self.other)
        before = self.stamp()
        for what, (change, users) in {
            "on the user": (lambda: self.person.write({"group_ids": [link(group.id)]}), both[:1]),
            "on the group": (lambda: group.write({"user_ids": [link(self.other.id)]}), both[1:]),
            "away": (lambda: group.write({"user_ids": [Command.unlink(self.other.id)]}), both[1:]),
            "on another": (lambda: implying.write({"user_ids": [link(self.other.id)]}), both[1:]),
            "implied": (
                lambda: group.write({"implied_ids": [link(managers)]}),
                both,
            ),
            "implying": (lambda: group.write({"implied_by_ids": [Command.clear()]}), both),
            "created": (
                lambda: groups.create({"name": "New", "user_ids": [link(self.person.id)]}),
                both[:1],
            ),
            "removed": (lambda: group.unlink(), both[:1]),
        }.items():
            with self.subTest(what):
                self.assertTells(change, *users)
        self.assertEqual(self.stamp(), before, "which ends no session")

    def test_what_is_nothing_to_the_bridge(self):
        self.person.write({"name": "Renamed", "lang": "en_US", "tz": "Europe/Paris"})
        self.env["res.groups"].create({"name": "Empty"}).write({"name": "Still empty"})
        self.env["res.partner"].create({"name": "Somebody"})
        self.assertIsNone(self.queued())
        self.assertEqual(len(self.env.cr.postcommit), 0)

    def test_one_event_for_all_of_a_transaction(self):
        def change():
            self.person.write({"password": "another password"})
            self.other.write({"active": False})
            self.person.write({"login": "drawbridge-renamed"})

        self.assertTells(change, self.person, self.other)

    def test_nothing_after_a_rollback(self):
        receiver = self.receiver(204)
        with self.registry.cursor() as cursor:
            person = self.person.with_env(self.env(cr=cursor))
            person.write({"active": False})
            self.assertEqual(cursor.postcommit.data[QUEUE].uids, {person.id})
            cursor.rollback()
            self.assertNotIn(QUEUE, cursor.postcommit.data)
            cursor.postcommit.run()
        self.assertEqual(receiver.received, [])

    def test_nothing_where_nobody_would_take_it(self):
        parameters = self.env["ir.config_parameter"]
        for key in (ISSUER, EVENT_KEY):
            with self.subTest(key):
                value = parameters.get_param(key)
                parameters.set_param(key, False)
                self.env.flush_all()
                self.person.write({"login": f"drawbridge-{key}"})
                self.assertIsNone(self.queued())
                parameters.set_param(key, value)

    def test_a_neutralized_copy_tells_nobody(self):
        receiver = self.receiver(204)
        for query in get_neutralization_queries(["auth_drawbridge"]):
            self.env.cr.execute(query)
        # Odoo neutralizes a database that nobody serves; here somebody has it in memory.
        self.env.registry.clear_all_caches()
        self.env.invalidate_all()
        for key in (BRIDGE_URL, EVENT_KEY):
            self.assertFalse(self.env["ir.config_parameter"].get_param(key))
        self.person.write({"active": False})
        self.commit()
        self.assertEqual(receiver.received, [])
        self.env["ir.config_parameter"].set_param(ISSUER, self.bridge.issuer)
        self.assertNotEqual(self.events._public_key(), self.key, "and would be somebody else")

    # How it is told

    def proof(self, received, **options):
        """The claims of an event, verified with the key that the bridge was given."""
        _path, authorization, body = received
        token = authorization.removeprefix("Bearer ")
        claims = jwt.decode(
            token,
            jwt.PyJWK(self.key).key,
            algorithms=["ES256"],
            issuer=self.audience,
            audience=self.bridge.issuer,
        )
        return jwt.get_unverified_header(token), claims, json.loads(body)

    def test_signed_for_this_body_and_a_minute(self):
        receiver = self.receiver(204)
        self.person.write({"active": False})
        self.other.write({"active": False})
        self.commit()
        self.assertEqual(len(receiver.received), 1)
        path, _authorization, body = receiver.received[0]
        self.assertEqual(path, "/odoo/events")
        header, claims, said = self.proof(receiver.received[0])
        self.assertEqual(
            header, {"typ": "drawbridge-event+jwt", "alg": "ES256", "kid": self.key["kid"]}
        )
        self.assertEqual(claims["exp"] - claims["iat"], 60)
        self.assertEqual(claims["content_digest"], content_digest(body))
        uids = sorted([self.person.id, self.other.id])
        self.assertEqual(said, {"uids": uids, "id": claims["jti"]})

    def test_many_are_all(self):
        def body(uids):
            return json.loads(event.body_of(event.Subject(set(range(uids))), "x"))

        self.assertEqual(body(1001), {"all": True, "id": "x"})
        self.assertEqual(len(body(1000)["uids"]), 1000)

    def test_sessions_of_odoo_beside_users_or_alone(self):
        receiver = self.receiver(204)
        sessions = {"b" * 42, "a" * 42}
        self.events._queue(browsers=sessions)
        self.events._queue(browsers=[])
        self.commit()
        self.events._queue([self.person.id], sessions)
        self.commit()
        alone, beside = (self.proof(received)[2] for received in receiver.received)
        self.assertEqual(alone, {"browsers": sorted(sessions), "id": alone["id"]})
        about = {"browsers": sorted(sessions), "uids": [self.person.id]}
        self.assertEqual(beside, {**about, "id": beside["id"]})
        many = {f"{number:042}" for number in range(100)}
        body = event.body_of(event.Subject({2**31 - n for n in range(1000)}, many), beside["id"])
        self.assertEqual(len(json.loads(body)["browsers"]), event.MAX_BROWSERS)
        self.assertLess(len(body), 16 * 1024)

    def test_sent_again_where_that_may_help(self):
        def told(*statuses):
            receiver = self.receiver(*statuses)
            self.events._queue([self.person.id])
            self.commit()
            self.assertEqual(len({body for _path, _proof, body in receiver.received}), 1)
            return len(receiver.received)

        self.startPatcher(patch.object(event, "WAITS", (0, 0, 0)))
        with self.assertNoLogs(event._logger, "WARNING"):
            self.assertEqual(told(503, 429, 204), 3)
        for status, attempts in ((500, 3), (401, 1), (307, 1)):
            with self.subTest(status), self.assertLogs(event._logger, "WARNING") as logs:
                self.assertEqual(told(status), attempts)
                self.assertNotIn("eyJ", "".join(logs.output))

    def test_a_bridge_that_is_away_delays_and_breaks_nothing(self):
        self.env["ir.config_parameter"].set_param(BRIDGE_URL, "http://127.0.0.1:9")
        with patch.object(event, "WAITS", (0,)), self.assertLogs(event._logger, "WARNING"):
            self.person.write({"active": False})
            self.commit()
        with (
            patch.object(threading.Thread, "start", side_effect=RuntimeError("no more threads")),
            self.assertLogs(event._logger, "ERROR"),
        ):
            self.person.write({"active": True})
            self.env.cr.postcommit.run()
        never = threading.Event()
        with (
            patch.object(event, "_send", side_effect=lambda *_args: never.wait(10)),
            self.assertLogs(event._logger, "WARNING"),
        ):
            threads = set(threading.enumerate())
            for _ in range(event.MAX_SENDING + 1):
                self.events._queue([self.person.id])
                self.env.cr.postcommit.run()
            started = set(threading.enumerate()) - threads
            never.set()
            for thread in started:
                thread.join(10)
        self.assertEqual(len(started), event.MAX_SENDING)

    # The key

    def test_the_bridge_is_told_the_public_half_alone_and_always_the_same(self):
        def hello():
            return self.assertAnswers(self.ask_as_bridge("/auth_drawbridge/1/hello", b"{}"))

        self.assertEqual(hello()["event_key"], self.key)
        self.assertEqual(set(self.key), {"kty", "crv", "x", "y", "kid", "alg", "use"})
        self.assertEqual(hello()["event_key"], self.key)
        self.assertEqual(len(base64.urlsafe_b64decode(self.key["kid"] + "=")), 32)

    def test_nobody_reads_the_key(self):
        parameters = self.env["ir.config_parameter"]
        for user in (self.person, self.portal):
            found = parameters.with_user(user).sudo(False)
            with self.assertRaises(AccessError):
                found.get_param(EVENT_KEY)
            with self.assertRaises(AccessError):
                user.with_user(user).read(["auth_drawbridge_revision"])
        sender = self.events._sender()
        self.assertNotIn(json.loads(sender.key)["d"], repr(sender))
