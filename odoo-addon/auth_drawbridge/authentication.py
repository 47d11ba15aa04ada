"""How and when somebody signed in to a session of Odoo, which Odoo itself does not keep.

Kept in the session itself, so it lives, rotates and goes with it. Of a session in which nothing was
recorded (it began before the addon came, or something set its user without asking anybody) only
what Odoo knows is told, and never more.
"""

import time

from odoo.http import request

#: Of a session: the user, the time in seconds since 1970, and the methods of the last sign-in.
RECORD = "auth_drawbridge.authentication"

#: Of a session: since when its user had to have signed in when they were last asked to do so again.
ASKED_AGAIN = "auth_drawbridge.asked_again"

#: What Odoo calls a first factor, in the words of RFC 8176 section 2. LDAP compares passwords, too.
#: A passkey proves that its key is there (``pop``) and that somebody is (``user``); Odoo also wants
#: the user verified, by PIN or body, without which the key does nothing: that is a second factor,
#: in the authenticator itself (NIST SP 800-63B section 5.1.8), so ``mfa``. Whether the key lies in
#: hardware (``hwk``), and which of PIN and body it was, nobody tells.
_FIRST_FACTORS = {
    "password": ["pwd"],
    "ldap": ["pwd"],
    "passkey": ["pop", "user", "mfa"],
}

#: What Odoo calls a second factor. Both are codes by RFC 4226, for one use.
_SECOND_FACTORS = {"totp", "totp_mail"}


def session_of(user_agent_env):
    """The session of Odoo's own pages in which somebody gives a credential, or None.

    There is none in a shell or a cron, and none that is kept where programs call.

    :param dict user_agent_env: as Odoo passes it to what checks credentials
    """
    is_interactive = (user_agent_env or {}).get("interactive", False)
    return request.session if request and is_interactive and request.session.can_save else None


def begin(session, uid, method):
    """Record that somebody gave the first factor, whether or not a second one is due.

    :param session: of Odoo, where ``uid`` may not be signed in yet
    :param int uid:
    :param str method: ``auth_method`` as Odoo has it; an unknown one is told as no method at all
    """
    _record(session, uid, _FIRST_FACTORS.get(method, []))


def go_on(session, user, auth_info):
    """Record that a credential was right, after the first factor.

    On an upgrade of Odoo: see that ``web_totp`` in ``auth_totp/controllers/home.py`` asks on the
    record of ``pre_uid`` while nobody is signed in, and that whoever asks a user again
    (``_check_identity``, ``change_password``) does so in the user's own environment.

    :param session: of Odoo
    :param user: record whose ``_check_credentials`` was called; Odoo's own callers leave it empty
        where they mean the user of the environment
    :param dict auth_info: as Odoo has it
    """
    method = auth_info["auth_method"]
    if session.uid:
        if user.env.uid == session.uid and (not user or user.id == session.uid):
            _renew(session, method)
    elif method in _SECOND_FACTORS and user.id == session.get("pre_uid"):
        first = _methods(session, user.id)
        # Where the first is unknown, it is also unknown whether the two are of different kinds.
        _record(session, user.id, [*first, "otp", "mfa"] if first else ["otp"])


def of(session):
    """When and how the user of a session signed in.

    :return: seconds since 1970, and the values of ``amr`` (RFC 8176), none where they are unknown
    :rtype: tuple[int, list[str]]
    """
    record = session.get(RECORD)
    if record and record["uid"] == session.uid:
        return record["auth_time"], record["amr"]
    # Odoo sets create_time anew whenever it rotates the id of a session; the times of its devices
    # stay. One that is too early asks somebody to sign in again, one too late would spare a thief.
    times = [session["create_time"], *(trace["first_activity"] for trace in session["_trace"])]
    return int(min(times)), []


def ask_again(session, after):
    """Remember, in a session that was just signed out, what for."""
    session[ASKED_AGAIN] = after


def is_since(session, after):
    """Whether the user of a session signed in at a time or later.

    Who was signed out because of this very ``after`` and is here again has, whatever the clock of
    the bridge is ahead of Odoo's: without this, they would be asked for ever.

    :param int after: seconds since 1970
    """
    return of(session)[0] >= after or session.get(ASKED_AGAIN) == after


def _renew(session, method):
    # Time and methods are told of one and the same occasion. So a password alone does not renew
    # what two factors began: the methods would be too many, or those that were given be lost.
    methods = ["otp"] if method in _SECOND_FACTORS else _FIRST_FACTORS.get(method, [])
    if "mfa" in methods or "mfa" not in _methods(session, session.uid):
        _record(session, session.uid, methods)


def _methods(session, uid):
    record = session.get(RECORD)
    return record["amr"] if record and record["uid"] == uid else []


def _record(session, uid, amr):
    session[RECORD] = {"uid": uid, "auth_time": int(time.time()), "amr": amr}
