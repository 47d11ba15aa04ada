import json

import jwt

from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from .. import proof
from ..assertion import content_digest
from .common import DrawbridgeCase


@tagged("post_install", "-at_install")
class TestSessions(DrawbridgeCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = new_test_user(cls.env, "drawbridge-other", groups="base.group_user")
        cls.manager = new_test_user(
            cls.env, "drawbridge-manager", groups="base.group_user,base.group_erp_manager"
        )
        cls.administrator = new_test_user(
            cls.env, "drawbridge-admin", password="drawbridge-admin", groups="base.group_system"
        )

    def setUp(self):
        super().setUp()
        self.key = self.env["drawbridge.bridge"]._public_key()
        self.serve(
            self.described(self.internal, "mine"),
            self.described(self.internal, "app", client_name="Orders", first_party=False),
            self.described(self.other, "theirs"),
        )
        self.bridge.answers["/odoo/sessions/end"] = {"ended": 1}

    def described(self, user, sid, **changes):
        return {
            "sid": sid,
            "uid": user.id,
            "client_id": "drawbridge-pwa",
            "client_name": "Drawbridge",
            "first_party": True,
            "device": "Firefox on Windows",
            "ip": "192.0.2.7",
            "created_at": 1_800_000_000,
            "last_seen_at": 1_800_000_060,
            "late_replays": 0,
            **changes,
        }

    def serve(self, *sessions, more=False):
        self.bridge.answers["/odoo/sessions"] = {"sessions": list(sessions), "more": more}

    def sessions_as(self, user):
        return self.env["drawbridge.session"].with_user(user)

    def opened(self, user):
        """The rows that this user's last list has."""
        return self.sessions_as(user).search([])

    def asked(self):
        """Path and body of what the bridge was asked last, its proof verified."""
        path, authorization, body = self.bridge.posted[-1]
        token = authorization.removeprefix("Bearer ")
        claims = jwt.decode(
            token,
            jwt.PyJWK(self.key).key,
            algorithms=["ES256"],
            issuer=self.audience,
            audience=self.bridge.issuer,
        )
        self.assertEqual(jwt.get_unverified_header(token)["typ"], proof.TYP)
        self.assertEqual((claims["htm"], claims["htu"]), ("POST", path))
        self.assertEqual(claims["content_digest"], content_digest(body))
        return path, json.loads(body)

    def assertNothingAsked(self, what, *arguments):
        before = len(self.bridge.posted)
        with self.assertRaises(AccessError):
            what(*arguments)
        self.assertEqual(len(self.bridge.posted), before)

    # One's own

    def test_own_list(self):
        self.serve(self.described(self.internal, "mine", late_replays=1))
        action = self.internal.with_user(self.internal).action_drawbridge_sessions()
        self.assertEqual(action["res_model"], "drawbridge.session")
        self.assertEqual(self.asked(), ("/odoo/sessions", {"uid": self.internal.id}))
        [row] = self.opened(self.internal).read()
        self.assertNotIn("sid", row)
        self.assertEqual(row["user_id"][0], self.internal.id)
        self.assertEqual(
            [row[name] for name in ("app", "kind", "device", "address", "late_replays")],
            ["Drawbridge", "own", "Firefox on Windows", "192.0.2.7", 1],
        )
        self.assertEqual(str(row["since"]), "2027-01-15 08:00:00")
        self.assertEqual(str(row["last_used"]), "2027-01-15 08:01:00")

    def test_opened_again_it_is_what_the_bridge_says_now(self):
        self.sessions_as(self.internal).action_open_own()
        self.serve(self.described(self.internal, "app", client_name="Orders", first_party=False))
        self.sessions_as(self.internal).action_open_own()
        self.assertEqual(self.opened(self.internal).mapped("kind"), ["connected"])

    def test_end_one_and_all_of_ones_own(self):
        self.serve(self.described(self.internal, "mine"), self.described(self.internal, "phone"))
        self.sessions_as(self.internal).action_open_own()
        rows = self.opened(self.internal)
        first = rows.filtered(lambda row: row.sudo().sid == "mine")
        first.action_end()
        body = {"uid": self.internal.id, "sids": ["mine"]}
        self.assertEqual(self.asked(), ("/odoo/sessions/end", body))
        self.assertEqual(self.opened(self.internal), rows - first)
        self.sessions_as(self.internal).action_end_all_own()
        body = {"uid": self.internal.id, "all": True}
        self.assertEqual(self.asked(), ("/odoo/sessions/end", body))
        self.assertFalse(self.opened(self.internal))

    def call(self, method, args, **kwargs):
        """What the web client sends, and who is signed in to it could."""
        return self.make_jsonrpc_request(
            f"/web/dataset/call_kw/drawbridge.session/{method}",
            {"model": "drawbridge.session", "method": method, "args": args, "kwargs": kwargs},
        )

    def test_the_buttons_of_the_list_send_ids_also_if_none(self):
        self.authenticate(self.internal.login, self.internal.login)
        self.serve(self.described(self.internal, "mine"), self.described(self.internal, "phone"))
        opened = self.call("action_open_own", [[]])
        self.assertEqual(opened["res_model"], "drawbridge.session")
        rows = self.opened(self.internal)
        self.assertEqual(len(rows), 2)
        self.call("action_end", [rows[0].ids])
        self.assertEqual(self.asked()[1]["uid"], self.internal.id)
        for ids in ([], self.opened(self.internal).ids):
            self.call("action_end_all_own", [ids])
            self.assertEqual(self.asked()[1], {"uid": self.internal.id, "all": True})
        self.assertFalse(self.opened(self.internal))

    # The thief

    def test_nobody_makes_or_changes_a_row(self):
        self.sessions_as(self.internal).action_open_own()
        row = self.opened(self.internal)[0]
        values = {
            "sid": "theirs",
            "user_id": self.other.id,
            "app": "x",
            "kind": "own",
            "since": "2027-01-15 08:00:00",
            "last_used": "2027-01-15 08:00:00",
        }
        for user in (self.internal, self.portal, self.manager, self.administrator):
            with self.subTest(user.login):
                with self.assertRaises(AccessError):
                    self.sessions_as(user).create(values)
                with self.assertRaises(AccessError):
                    row.with_user(user).write({"sid": "theirs"})
                with self.assertRaises(AccessError):
                    row.with_user(user).unlink()

    def test_a_row_that_was_forged_all_the_same_opens_nothing(self):
        self.sessions_as(self.internal).action_open_own()
        row = self.opened(self.internal)[0]
        row.sudo().write({"user_id": self.other.id, "sid": "theirs"})
        self.assertNothingAsked(row.action_end)
        row.sudo().write({"user_id": self.internal.id})
        row.action_end()
        body = {"uid": self.internal.id, "sids": ["theirs"]}
        self.assertEqual(self.asked()[1], body, "which the bridge finds with nobody of that id")

    def test_a_row_of_somebody_elses_list_is_not_there(self):
        self.sessions_as(self.administrator).action_open_all()
        rows = self.opened(self.administrator)
        self.assertEqual(len(rows), 3)
        for user in (self.internal, self.other, self.manager, self.portal):
            with self.subTest(user.login):
                theirs = rows.with_user(user)
                with self.assertRaises(AccessError):
                    theirs.read(["app"])
                self.assertNothingAsked(theirs.action_end)
                self.assertNothingAsked(theirs.action_end_all_of_user)

    def test_nobody_else_sees_or_ends_what_is_not_theirs(self):
        for user in (self.internal, self.manager, self.portal):
            theirs = self.sessions_as(user)
            with self.subTest(user.login):
                self.assertNothingAsked(theirs.action_open_all)
                self.assertNothingAsked(theirs.action_open_of, self.other.id)
                self.assertNothingAsked(theirs.action_open_of, str(user.id))
                self.assertNothingAsked(theirs.action_end_all_of_user)
                self.assertNothingAsked(self.other.with_user(user).action_drawbridge_sessions)
        for method in ("action_open_own", "action_end_all_own"):
            self.assertNothingAsked(getattr(self.sessions_as(self.portal), method))

    def test_the_thief_over_rpc(self):
        self.authenticate(self.internal.login, self.internal.login)

        for method, args in (
            ("_end", [[], self.other.id, {"all": True}]),
            ("_open", [None, "auth_drawbridge.action_drawbridge_session_all"]),
            ("action_open_all", []),
            ("action_open_of", [self.other.id]),
            ("action_end_all_of_user", [[]]),
            ("create", [[{"sid": "theirs", "user_id": self.other.id}]]),
        ):
            with self.subTest(method), self.assertRaises(Exception) as raised:  # noqa: B017
                self.call(method, args)
            self.assertRegex(str(raised.exception), "AccessError|private")
        self.assertEqual(self.bridge.posted, [])
        # A context of superuser's says nothing about who asks.
        self.call("action_open_own", [[]], context={"uid": self.other.id, "su": True})
        self.assertEqual(self.asked(), ("/odoo/sessions", {"uid": self.internal.id}))

    # Administrators

    def test_administrators_see_all_and_end_of_whom_they_choose(self):
        self.sessions_as(self.administrator).action_open_all()
        self.assertEqual(self.asked(), ("/odoo/sessions", {}))
        rows = self.opened(self.administrator)
        self.assertEqual(rows.user_id, self.internal + self.other)
        rows.action_end()
        ended = [json.loads(body) for path, _proof, body in self.bridge.posted if "end" in path]
        self.assertEqual(
            [{**each, "sids": sorted(each["sids"])} for each in ended],
            [
                {"uid": self.internal.id, "sids": ["app", "mine"]},
                {"uid": self.other.id, "sids": ["theirs"]},
            ],
        )
        self.assertFalse(self.opened(self.administrator))

        self.sessions_as(self.administrator).action_open_all()
        rows = self.opened(self.administrator)
        rows.filtered(lambda row: row.user_id == self.other).action_end_all_of_user()
        self.assertEqual(self.asked()[1], {"uid": self.other.id, "all": True})
        self.assertEqual(self.opened(self.administrator).user_id, self.internal)

    def test_administrators_open_the_list_of_one_user(self):
        self.other.with_user(self.administrator).action_drawbridge_sessions()
        self.assertEqual(self.asked(), ("/odoo/sessions", {"uid": self.other.id}))

    def test_says_that_there_are_more_and_leaves_out_who_is_gone(self):
        gone = {**self.described(self.other, "gone"), "uid": 2**31 - 1}
        self.serve(self.described(self.other, "theirs"), gone, more=True)
        action = self.sessions_as(self.administrator).action_open_all()
        self.assertEqual(action["tag"], "display_notification")
        self.assertEqual(action["params"]["next"]["res_model"], "drawbridge.session")
        self.assertEqual(len(self.opened(self.administrator)), 1)

    # The bridge

    def test_the_bridge_is_away(self):
        self.sessions_as(self.internal).action_open_own()
        rows = self.opened(self.internal)
        logger = "odoo.addons.auth_drawbridge.wizards.drawbridge_session"
        for answer in (503, 401, 307, []):
            self.bridge.answers = {"/odoo/sessions": answer, "/odoo/sessions/end": answer}
            with self.subTest(answer), self.assertLogs(logger, "WARNING") as logs:
                with self.assertRaises(UserError):
                    self.sessions_as(self.internal).action_open_own()
                with self.assertRaises(UserError):
                    rows.action_end()
            self.assertNotIn("eyJ", "".join(logs.output))
        self.assertEqual(self.opened(self.internal), rows, "nothing is taken for ended")
        form = self.env["res.users"].with_user(self.internal)
        view = self.env.ref("base.view_users_form_simple_modif").id
        self.assertIn("action_drawbridge_sessions", form.get_view(view, "form")["arch"])
