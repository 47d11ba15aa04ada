import logging
from datetime import datetime, timezone

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from .. import bridge_call

_logger = logging.getLogger(__name__)

#: Of the bridge's routes.
_LIST_PATH = "/odoo/sessions"
_END_PATH = "/odoo/sessions/end"


class DrawbridgeSession(models.TransientModel):
    """What somebody is signed in to, as the bridge told it when the list was opened.

    A row is only what is shown. What may be seen and ended is decided by who asks, at each call:
    whoever is not an administrator asks the bridge about their own sessions and no others, so that
    a row that was forged, or belongs to somebody else, opens nothing.
    """

    _name = "drawbridge.session"
    _description = "Signed-in app"
    _order = "last_used desc, id"
    _rec_name = "app"

    # Not for the browser: nobody there needs it.
    sid = fields.Char(required=True, groups=fields.NO_ACCESS)
    user_id = fields.Many2one(comodel_name="res.users", required=True)
    app = fields.Char(required=True)
    kind = fields.Selection(
        [("own", "Built-in"), ("connected", "Connected app")],
        required=True,
        help="A connected app is one of somebody else's that was signed in to with this account.",
    )
    device = fields.Char()
    address = fields.Char(help="Where it was signed in from.")
    since = fields.Datetime(string="Signed in", required=True)
    last_used = fields.Datetime(required=True)
    late_replays = fields.Integer(
        string="Late answers",
        help="How often of late the app asked for a new token so late that it may have been "
        "somebody else who holds its old one.",
    )

    # No ``@api.model`` where a button of a list calls: it sends the selected ids, also if none.

    def action_open_own(self):
        """Show what the user is signed in to, whatever is selected."""
        return self._open(self.env.uid, "auth_drawbridge.action_drawbridge_session_own")

    @api.model
    def action_open_all(self):
        """Show what everybody is signed in to.

        :raise AccessError: the user is no administrator
        """
        self._check_administrator()
        return self._open(None, "auth_drawbridge.action_drawbridge_session_all")

    @api.model
    def action_open_of(self, uid):
        """Show what one user is signed in to.

        :param int uid:
        :raise AccessError: it is somebody else, and the user is no administrator
        """
        if uid == self.env.uid:
            return self.action_open_own()
        self._check_administrator()
        return self._open(uid, "auth_drawbridge.action_drawbridge_session_all")

    def action_end(self):
        """End these sessions."""
        for user in self.user_id:
            sessions = self.filtered(lambda session, user=user: session.user_id == user)
            self._end(user, {"sids": sessions.sudo().mapped("sid")})
        self.sudo().unlink()

    def action_end_all_own(self):
        """End all sessions of the user, also those that are not selected or not in the list."""
        self._end(self.env.user, {"all": True})
        self.sudo().search([("create_uid", "=", self.env.uid)]).unlink()

    def action_end_all_of_user(self):
        """End all sessions of the users whose sessions these are, also those not in the list.

        :raise AccessError: the user is no administrator
        """
        self._check_administrator()
        users = self.user_id
        for user in users:
            self._end(user, {"all": True})
        self.sudo().search(
            [("create_uid", "=", self.env.uid), ("user_id", "in", users.ids)]
        ).unlink()

    @api.model
    def _check_may_look(self):
        """Only internal users have such lists at all.

        :raise AccessError:
        """
        # Of the model: the rows that were selected may be gone since.
        self.browse().check_access("read")

    @api.model
    def _check_administrator(self):
        """Only administrators see and end what others are signed in to.

        Of all groups the one that has the settings, and with them the pairing and its key: who may
        manage users need not see from where each of them works.

        :raise AccessError:
        """
        if not (self.env.su or self.env.user.has_group("base.group_system")):
            raise AccessError(
                self.env._("Only administrators can see or end what others are signed in to.")
            )

    @api.model
    def _open(self, uid, action):
        """Ask the bridge, and show what it answers.

        :param uid: whose sessions, None for everybody's; the caller has checked that it may be
        :param str action: external id
        :raise UserError: the bridge does not answer
        """
        self._check_may_look()
        answer = self._ask(_LIST_PATH, {} if uid is None else {"uid": uid})
        # As superuser: nobody can make rows, and those of before were this user's.
        rows = self.sudo()
        rows.search([("create_uid", "=", self.env.uid)]).unlink()
        rows.create(self._rows_of(answer))
        opened = self.env["ir.actions.act_window"]._for_xml_id(action)
        if not answer.get("more"):
            return opened
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning",
                "sticky": True,
                "message": self.env._(
                    "These are the sessions that were used last; there are more. "
                    "To see all of one user, open them from that user."
                ),
                "next": opened,
            },
        }

    @api.model
    def _rows_of(self, answer):
        sessions = answer["sessions"]
        uids = {session["uid"] for session in sessions}
        users = self.env["res.users"].sudo().with_context(active_test=False)
        known = set(users.search([("id", "in", list(uids))]).ids)
        return [
            {
                "sid": session["sid"],
                "user_id": session["uid"],
                "app": session["client_name"],
                "kind": "own" if session["first_party"] else "connected",
                "device": session["device"],
                "address": session["ip"],
                "since": _time(session["created_at"]),
                "last_used": _time(session["last_seen_at"]),
                "late_replays": session["late_replays"],
            }
            for session in sessions
            # Whoever was deleted a moment ago is out already.
            if session["uid"] in known
        ]

    @api.model
    def _end(self, user, about):
        """End sessions of one user.

        :raise AccessError: it is somebody else, and the user is no administrator
        """
        self._check_may_look()
        if user.id != self.env.uid:
            self._check_administrator()
        ended = self._ask(_END_PATH, {"uid": user.id, **about})["ended"]
        _logger.info("User %s ended %s sessions of user %s", self.env.uid, ended, user.id)

    @api.model
    def _ask(self, path, body):
        try:
            return self.env["drawbridge.bridge"]._ask(path, body)
        except bridge_call.CallError as error:
            _logger.warning("The bridge did not answer %s: %s", path, error)
            raise UserError(
                self.env._(
                    "The bridge does not answer, so nothing can be shown or ended now. "
                    "Try again in a minute. If this stays, an administrator finds the reason with "
                    "the connection test in the settings."
                )
            ) from None


def _time(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc).replace(tzinfo=None)
