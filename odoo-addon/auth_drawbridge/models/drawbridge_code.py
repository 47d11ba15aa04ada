import hashlib
import hmac
import logging
import re
import secrets
from datetime import UTC, datetime, timedelta

import jwt

from odoo import api, fields, models

_logger = logging.getLogger(__name__)

#: Seconds in which a code can be redeemed. The browser brings it to the bridge at once.
LIFETIME = 60

#: Bytes of chance in a code.
CODE_BYTES = 32

# @see RFC 7636 section 4.1
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_CODE = re.compile(r"[A-Za-z0-9_-]{43}")

_DENIED = {"outcome": "denied"}


class DrawbridgeCode(models.Model):
    _name = "drawbridge.code"
    _description = "What hands somebody who is signed in to Odoo over to the bridge, once"
    _log_access = False

    digest = fields.Char(required=True)
    user_id = fields.Many2one("res.users", required=True, ondelete="cascade")
    code_challenge = fields.Char(string="Code challenge", required=True)
    amr = fields.Json(string="Authentication methods")
    auth_time = fields.Datetime(string="Signed in at", required=True)
    browser = fields.Char(string="Session of Odoo", required=True)
    stamp = fields.Char(required=True)
    expires_at = fields.Datetime(string="Expires at", required=True)

    _digest_unique = models.UniqueIndex("(digest)")

    @api.model
    def _issue(self, user, code_challenge, auth_time, amr, browser):
        """Make a code for a user. It is told once, here; what is stored does not give it back.

        :param user: who may sign in by the addon
        :param str code_challenge: S256
        :param int auth_time: seconds since 1970
        :param list amr:
        :param str browser: identifier of the user's session
        :rtype: str
        """
        code = secrets.token_urlsafe(CODE_BYTES)
        # Nobody has rights on codes, whoever it is that gets one.
        self.sudo().create(
            {
                "digest": _digest(code),
                "user_id": user.id,
                "code_challenge": code_challenge,
                "amr": amr,
                "auth_time": datetime.fromtimestamp(auth_time, UTC).replace(tzinfo=None),
                "browser": browser,
                "stamp": user._drawbridge_stamp(),
                "expires_at": fields.Datetime.now() + timedelta(seconds=LIFETIME),
            }
        )
        return code

    @api.model
    def _redeem(self, code, code_verifier):
        """Take a code away, and tell whose it was to who began the hand-off.

        Whatever is wrong, the code is gone: who guesses at the verifier has one try, and of those
        who bring it at the same time one gets it. Every refusal is an answer, never an exception:
        that would bring the code back.

        :param str code:
        :param str code_verifier: @see RFC 7636 section 4.6
        :return: as the bridge gets it
        :rtype: dict
        """
        if not _CODE.fullmatch(code):
            return _refused("not a code")
        # Two transactions that delete the same row: PostgreSQL has the second begin again, and
        # then there is none.
        self.env.cr.execute(
            """DELETE FROM drawbridge_code WHERE digest = %s
               RETURNING user_id, code_challenge, amr, EXTRACT(EPOCH FROM auth_time)::bigint,
                         browser, stamp, expires_at""",
            [_digest(code)],
        )
        row = self.env.cr.fetchone()
        if not row:
            return _refused("unknown, or used")
        uid, code_challenge, amr, auth_time, browser, stamp, expires_at = row
        if expires_at <= fields.Datetime.now():
            return _refused("expired", uid)
        if not _VERIFIER.fullmatch(code_verifier):
            return _refused("malformed verifier", uid)
        if not hmac.compare_digest(_s256(code_verifier), code_challenge):
            return _refused("wrong verifier", uid)
        identity = self.env["res.users"].browse(uid)._drawbridge_identity(amr or [])
        if not identity["active"]:
            return _refused("not an active user", uid)
        # A thief in a session of Odoo has a code, and its owner changes the password: from here on
        # the bridge would hold a session with the new stamp, that nothing ends.
        if not hmac.compare_digest(identity["stamp"], stamp):
            return _refused("password, second factor or passkeys changed", uid)
        _logger.info("The hand-off of user %s was redeemed", uid)
        return {**identity, "auth_time": auth_time, "browser": browser}

    @api.autovacuum
    def _gc_codes(self):
        self.search([("expires_at", "<=", fields.Datetime.now())]).unlink()


def _refused(reason, uid=None):
    # The reason is for the log: to the bridge all are one answer.
    _logger.info("A hand-off of user %s was refused: %s", uid or "unknown", reason)
    return _DENIED


def _digest(code):
    return hashlib.sha256(code.encode()).hexdigest()


def _s256(code_verifier):
    digest = hashlib.sha256(code_verifier.encode()).digest()
    return jwt.utils.base64url_encode(digest).decode()
