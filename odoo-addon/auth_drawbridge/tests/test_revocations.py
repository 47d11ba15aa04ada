import json
import time

from odoo.tests import tagged

from ..models.ir_http import MAX_BODY
from ..revocations import MAX_ENTRIES
from .common import DrawbridgeCase

PATH = "/auth_drawbridge/1/revocations"


@tagged("post_install", "-at_install")
class TestRevocations(DrawbridgeCase):
    def setUp(self):
        super().setUp()
        self.now = int(time.time())
        self.until = self.now + 900

    def push(self, sessions=(), users=()):
        body = {
            "sessions": [{"sid": sid, "until": until} for sid, until in sessions],
            "users": [
                {"uid": uid, "cutoff": cutoff, "until": until} for uid, cutoff, until in users
            ],
        }
        return self.ask_as_bridge(PATH, json.dumps(body).encode())

    def rows(self):
        self.env.cr.execute(
            """SELECT sid, uid, extract(epoch FROM cutoff)::bigint,
                      extract(epoch FROM until)::bigint
                 FROM drawbridge_revocation ORDER BY sid, uid"""
        )
        return self.env.cr.fetchall()

    def test_an_ended_session(self):
        ended, other = self.token(sid="ended"), self.token(sid="other")
        self.assertAnswers(self.call(ended))
        self.assertEqual(self.assertAnswers(self.push([("ended", self.until)])), {})
        self.assertRefused(self.call(ended))
        self.assertRefused(self.call(self.token(sid="ended", scope="odoo.read")))
        self.assertAnswers(self.call(other))
        # The same name of another kind is another: no prefix, no case.
        for sid in ("ENDED", "ended2", "end", "ended%", "_nded"):
            self.assertAnswers(self.call(self.token(sid=sid)))

    def test_what_else_takes_a_token(self):
        call = {
            "path": "/auth_drawbridge/1/call/res.partner/search_count",
            "body": json.dumps({"params": {"args": [[]], "kwargs": {}}}).encode(),
        }
        token = self.token(sid="ended")
        self.assertAnswers(self.post_as_bridge(call["path"], call["body"], token))
        self.push([("ended", self.until)])
        # A route of this type answers refusals with 200 and an error.
        response = self.post_as_bridge(call["path"], call["body"], token)
        self.assertNotIn("result", response.json())

    def test_a_user_up_to_a_time(self):
        tokens = {iat: self.token(iat=self.now + iat) for iat in (-20, -10, -9)}
        other = self.token(self.portal, iat=self.now - 20)
        self.assertAnswers(self.push(users=[(self.internal.id, self.now - 10, self.until)]))
        self.assertRefused(self.call(tokens[-20]))
        self.assertRefused(self.call(tokens[-10]))
        self.assertAnswers(self.call(tokens[-9]))
        self.assertAnswers(self.call(other))

    def test_repeated_and_out_of_order(self):
        uid = self.internal.id
        for sessions, users in (
            ([("one", 100)], [(uid, 50, 100)]),
            ([("one", 100)], [(uid, 50, 100)]),
            # Earlier ones that come later move nothing back.
            ([("one", 90), ("two", 80)], [(uid, 40, 90)]),
            ([], [(uid, 45, 110)]),
        ):
            self.assertAnswers(self.push(sessions, users))
        self.assertEqual(
            self.rows(), [("one", None, None, 100), ("two", None, None, 80), (None, uid, 50, 110)]
        )
        self.assertAnswers(
            self.push([("two", 70), ("two", 200), ("two", 60)], [(uid, 60, 90), (uid, 55, 120)])
        )
        self.assertEqual(
            self.rows(), [("one", None, None, 100), ("two", None, None, 200), (None, uid, 60, 120)]
        )

    def test_a_request_that_is_repeated(self):
        body = json.dumps({"sessions": [{"sid": "s", "until": self.until}], "users": []}).encode()
        assertion = self.assertion(PATH, body)
        for _ in range(2):
            self.assertAnswers(self.post_as_bridge(PATH, body, assertion))
        self.assertEqual(self.rows(), [("s", None, None, self.until)])

    def test_somebody_who_was_deleted_or_never_was(self):
        self.assertAnswers(self.push(users=[(2**31 - 1, self.now, self.until)]))
        self.assertEqual(len(self.rows()), 1)

    def test_as_many_as_there_may_be(self):
        sessions = [("s" * 60 + f"{number:04}", self.until) for number in range(MAX_ENTRIES)]
        self.assertAnswers(self.push(sessions))
        self.assertEqual(len(self.rows()), MAX_ENTRIES)
        self.assertRefused(self.call(self.token(sid=sessions[-1][0])))
        too_many = self.push([("s", 1)] * MAX_ENTRIES, [(1, 1, 1)])
        self.assertEqual(too_many.status_code, 400)
        too_large = self.ask_as_bridge(PATH, b" " * MAX_BODY + b"{}")
        self.assertEqual(too_large.status_code, 413)

    def test_what_is_not_what_it_should_be(self):
        good = {"sessions": [], "users": []}
        session = {"sid": "s", "until": 1}
        user = {"uid": 1, "cutoff": 1, "until": 1}
        wrong = [
            [],
            {},
            {"sessions": []},
            {"users": []},
            {**good, "more": 1},
            {**good, "sessions": {}},
            {**good, "users": None},
            *({**good, "sessions": [entry]} for entry in ("s", None, {}, {"sid": "s"})),
            {**good, "sessions": [{**session, "more": 1}]},
            {**good, "users": [{"uid": 1, "cutoff": 1}]},
            *(
                {**good, "sessions": [{**session, "sid": sid}]}
                for sid in (None, "", 1, "a b", "a\n", "a\0", "ä", "\ud800", "s" * 65, ["s"])
            ),
            *(
                {**good, "sessions": [{**session, "until": until}]}
                for until in (None, "1", 1.5, 1.0, True, -1, 253402300800, 10**30, float("nan"))
            ),
            *({**good, "users": [{**user, "uid": uid}]} for uid in (0, -1, "1", True, 2**31, 1.0)),
            *({**good, "users": [{**user, "cutoff": time}]} for time in (None, "1", True, -1)),
        ]
        for body in wrong:
            with self.subTest(body):
                response = self.ask_as_bridge(PATH, json.dumps(body).encode())
                self.assertEqual(response.status_code, 400)
        self.assertEqual(self.rows(), [])

    def test_only_by_the_bridge(self):
        body = json.dumps({"sessions": [{"sid": "s", "until": 1}], "users": []}).encode()
        self.assertRefused(self.post_as_bridge(PATH, body, self.token()))
        self.assertRefused(self.post_as_bridge(PATH, body + b" ", self.assertion(PATH, body)))
        self.assertEqual(self.rows(), [])

    def test_a_token_of_a_session_that_none_could_end(self):
        for sid in ("a b", "s" * 65, "ä", "a\0", "\ud800", "a\n"):
            with self.subTest(sid):
                self.assertRefused(self.call(self.token(sid=sid)))

    def test_rows_go_when_their_tokens_have_expired(self):
        self.push([("old", self.now - 1), ("new", self.until)], [(1, self.now, self.now - 1)])
        self.env["drawbridge.revocation"]._gc_revocations()
        self.assertEqual(self.rows(), [("new", None, None, self.until)])
