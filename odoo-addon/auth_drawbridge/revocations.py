"""What the bridge says that it has ended. Knows nothing of Odoo or HTTP."""

from .access_token import SID

#: Sessions and users in one request.
MAX_ENTRIES = 1000

#: Seconds since 1970: the end of the year 9999, which Python's dates reach.
_MAX_TIME = 253402300799

#: What an id can be in the database.
_MAX_UID = 2**31 - 1


def parse(body):
    """Read ``{"sessions": [{"sid", "until"}], "users": [{"uid", "cutoff", "until"}]}``.

    What is named twice is meant as the later of the two.

    :param body: of the request, from JSON; all times are whole seconds since 1970
    :return: until when by ``sid``, and pairs of the cut-off and until when by the user's id
    :rtype: tuple of dict and dict
    :raise ValueError: anything is missing, too much, of another kind or out of range
    """
    _check(isinstance(body, dict) and body.keys() == {"sessions", "users"})
    _check(all(isinstance(entries, list) for entries in body.values()))
    _check(sum(map(len, body.values())) <= MAX_ENTRIES)
    sessions, users = {}, {}
    for entry in body["sessions"]:
        _check(isinstance(entry, dict) and entry.keys() == {"sid", "until"})
        sid, until = entry["sid"], entry["until"]
        _check(isinstance(sid, str) and SID.fullmatch(sid) and _is_integer(until, 0, _MAX_TIME))
        sessions[sid] = max(until, sessions.get(sid, 0))
    for entry in body["users"]:
        _check(isinstance(entry, dict) and entry.keys() == {"uid", "cutoff", "until"})
        uid, times = entry["uid"], (entry["cutoff"], entry["until"])
        _check(_is_integer(uid, 1, _MAX_UID))
        _check(all(_is_integer(time, 0, _MAX_TIME) for time in times))
        users[uid] = tuple(map(max, times, users.get(uid, (0, 0))))
    return sessions, users


def _is_integer(value, least, most):
    # True is an int to Python.
    return type(value) is int and least <= value <= most


def _check(is_so):
    if not is_so:
        raise ValueError("malformed revocations")
