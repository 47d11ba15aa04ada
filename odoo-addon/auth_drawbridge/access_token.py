"""The check of one access token. Knows nothing of Odoo, HTTP or where keys come from."""

import re
from dataclasses import dataclass

from . import signed_jwt
from .signed_jwt import MAX_LENGTH, TokenError, TokenExpired

__all__ = [
    "MAX_LENGTH",
    "AccessToken",
    "TokenError",
    "TokenExpired",
    "claimed",
    "looks_like_jwt",
    "verify",
]

#: ``typ`` of an access token. @see RFC 9068 section 2.1
TYP = "at+jwt"

#: Seconds between ``iat`` and ``exp`` at most. A token that claims to live longer was not made by
#: a bridge in its right mind, and could not be waited out after a leak.
MAX_LIFETIME = 3600

#: Those of RFC 9068 section 2.2, and ``sid``: a token without a session could never be revoked.
REQUIRED_CLAIMS = ["iss", "aud", "exp", "iat", "sub", "client_id", "jti", "sid"]

# Every JWT begins with "eyJ", the base64url of '{"'. An API key of Odoo is 40 hexadecimal digits,
# so nothing is ever both. The third part may be empty (alg none), to be refused as a JWT.
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*")

# One spelling per number: "01" and "+1" are nobody. No longer than an id can be.
_UID = re.compile(r"[1-9][0-9]{0,9}")

#: A session's id, as far as one can be named when it is ended: printable, no space.
SID = re.compile(r"[!-~]{1,64}")


@dataclass(frozen=True)
class AccessToken:
    """What a verified token says.

    :param int uid: the id of the ``res.users`` record that it was issued for; whether that user
        exists and is active is not known here
    :param str sid: the session of the bridge that it was issued for; whether that goes on is not
        known here
    :param int iat: seconds since 1970: when it was issued
    :param frozenset scopes: names of scopes
    """

    uid: int
    sid: str
    iat: int
    scopes: frozenset


def looks_like_jwt(token):
    """Whether ``token`` is to be judged as a JWT rather than as an API key."""
    return _JWT.fullmatch(token) is not None


def claimed(token):
    """Give what a token says without any check: good for looking something up, and nothing else.

    :param str token: compact serialization
    :return: what :func:`verify` gives, if it gives anything; None where it would not
    :rtype: AccessToken or None
    """
    try:
        return _from(signed_jwt.unverified(token))
    except (TokenError, KeyError):
        return None


def verify(token, find_key, issuer, audience):
    """Check a token by every rule of RFC 9068 section 4.

    :param str token: compact serialization
    :param find_key: takes a ``kid``, gives the :class:`~.jwks.SigningKey` or None
    :param str issuer: the only issuer
    :param str audience: must be the token's audience or one of them
    :rtype: AccessToken
    :raise TokenExpired: the signature is good, the time is over
    :raise TokenError: anything else; what ``find_key`` raises is passed on
    """
    claims = signed_jwt.verify(
        token,
        find_key,
        typ=TYP,
        issuer=issuer,
        audience=audience,
        required=REQUIRED_CLAIMS,
        max_lifetime=MAX_LIFETIME,
    )
    return _from(claims)


def _from(claims):
    signed_jwt.check_strings(claims, ("sub", "client_id", "jti", "sid"))
    if not isinstance(claims.get("scope", ""), str):
        raise TokenError("scope is not a string")
    if not SID.fullmatch(claims["sid"]):
        raise TokenError("sid is none that could be ended")
    return AccessToken(
        uid=_uid(claims["sub"]),
        sid=claims["sid"],
        iat=claims["iat"],
        scopes=frozenset(claims.get("scope", "").split()),
    )


def _uid(sub):
    if not _UID.fullmatch(sub):
        raise TokenError("sub is not a user id")
    return int(sub)
