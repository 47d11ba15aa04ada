"""The sessions of Odoo, each by the part of its id that Odoo itself keeps in its list of devices.

That part stays the same when Odoo rotates the id, and opens nothing without the rest.
"""

import os
import re
import time
from collections import defaultdict

from odoo.http import STORED_SESSION_BYTES, root

#: Of a session: that it handed somebody over to the bridge, which therefore knows of it.
HANDED_OFF = "auth_drawbridge.handed_off"

#: Seconds after which a session that was not there is looked for again. While Odoo tidies up after
#: a rotation, it deletes all files of a session and writes the newest one anew.
SETTLE = 0.1

# It becomes part of a path. Odoo's own pattern for it lets a line break pass at the end.
_IDENTIFIER = re.compile(rf"[A-Za-z0-9_-]{{{STORED_SESSION_BYTES}}}")


def is_identifier(value):
    """Whether a value of anybody's making is what a session may be called."""
    return isinstance(value, str) and _IDENTIFIER.fullmatch(value) is not None


def identifier_of(session):
    """What a session is called; nobody can act by it."""
    return session.sid[:STORED_SESSION_BYTES]


def signed_in(identifiers, dbname):
    """Which of these sessions are still there, with somebody signed in to this database.

    Whether Odoo would still take the session's user is not looked at: that hangs on the same values
    as the stamp, which the bridge compares anyway.

    :param identifiers: each as :func:`is_identifier` has it
    :param str dbname: databases share the folder of sessions
    :rtype: set[str]
    """

    # One that has a successor is the id of before a rotation, which Odoo keeps for two minutes,
    # also if the session is signed out meanwhile.
    def is_signed_in(session):
        return bool(session.uid) and session.db == dbname and "next_sid" not in session

    return _find(identifiers, is_signed_in)


def end(identifier, uid, dbname):
    """End one session of one user.

    On an upgrade of Odoo: compare with ``_revoke`` of ``res.device``.

    :param str identifier: as :func:`is_identifier` has it
    :return: whether there was such a session of this user
    :rtype: bool
    """
    if not _find({identifier}, lambda session: session.uid == uid and session.db == dbname):
        return False
    root.session_store.delete_from_identifiers([identifier])
    return True


def handed_off(identifiers):
    """Which of these sessions, as they are stored, handed somebody over to the bridge.

    :rtype: set[str]
    """
    wanted = {each for each in identifiers if is_identifier(each)}
    return _look(wanted, lambda session: HANDED_OFF in session)


def _find(identifiers, matches):
    found = _look(identifiers, matches)
    missing = set(identifiers) - found
    if missing:
        time.sleep(SETTLE)
        found |= _look(missing, matches)
    return found


def _look(identifiers, matches):
    """Read the files of these sessions, and give those of which one matches.

    On an upgrade of Odoo: compare with ``get_missing_session_identifiers`` in ``odoo/http.py``,
    which tells of files alone, and not of what is in them.
    """
    store = root.session_store
    folders = defaultdict(set)
    for identifier in identifiers:
        folders[identifier[:2]].add(identifier)
    found = set()
    for folder, wanted in folders.items():
        try:
            names = os.listdir(os.path.join(store.path, folder))
        # Nothing else: a folder that cannot be read does not mean that everybody is signed out.
        except FileNotFoundError:
            continue
        for name in names:
            identifier = name[:STORED_SESSION_BYTES]
            if identifier in wanted and store.is_valid_key(name) and matches(store.get(name)):
                found.add(identifier)
    return found
