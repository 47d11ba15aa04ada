"""The check of one access token. Knows nothing of Odoo, HTTP or where keys come from."""

import re
from dataclasses import dataclass

import jwt

#: ``typ`` of an access token. @see RFC 9068 section 2.1
TYP = "at+jwt"

#: Seconds by which the clocks of the bridge and of Odoo may differ.
LEEWAY = 5

#: Seconds between ``iat`` and ``exp`` at most. A token that claims to live longer was not made by
#: a bridge in its right mind, and could not be waited out after a leak.
MAX_LIFETIME = 3600

#: Characters. The bridge's tokens have about 900.
MAX_LENGTH = 8192

#: Those of RFC 9068 section 2.2, and ``sid``: a token without a session could never be revoked.
REQUIRED_CLAIMS = ["iss", "aud", "exp", "iat", "sub", "client_id", "jti", "sid"]

# Every JWT begins with "eyJ", the base64url of '{"'. An API key of Odoo is 40 hexadecimal digits,
# so nothing is ever both. The third part may be empty (alg none), to be refused as a JWT.
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*")

# One spelling per number: "01" and "+1" are nobody. No longer than an id can be.
_UID = re.compile(r"[1-9][0-9]{0,9}")


class TokenError(Exception):
    """The token is refused. The message is for the log."""


class TokenExpired(TokenError):
    """The token is signed by the bridge, but its time is over."""


@dataclass(frozen=True)
class AccessToken:
    """What a verified token says.

    :param int uid: the id of the ``res.users`` record that it was issued for; whether that user
        exists and is active is not known here
    :param frozenset scopes: names of scopes
    """

    uid: int
    scopes: frozenset


def looks_like_jwt(token):
    """Whether ``token`` is to be judged as a JWT rather than as an API key."""
    return _JWT.fullmatch(token) is not None


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
    if len(token) > MAX_LENGTH:
        raise TokenError(f"longer than {MAX_LENGTH} characters")
    key = find_key(_kid_of_access_token(token))
    if key is None:
        raise TokenError("unknown kid")
    claims = _signed_claims(token, key, issuer, audience)
    # PyJWT 2.10.0 takes a part of the issuer for the whole (CVE-2024-53861).
    if claims["iss"] != issuer:
        raise TokenError("wrong issuer")
    _check_times(claims)
    _check_strings(claims)
    return AccessToken(uid=_uid(claims["sub"]), scopes=frozenset(claims.get("scope", "").split()))


def _kid_of_access_token(token):
    try:
        header = jwt.get_unverified_header(token)
    # The header is the attacker's: whatever the decoder trips over (a RecursionError of deeply
    # nested JSON, say) is a bad token, not a failure of the server.
    except Exception as error:  # noqa: BLE001 pylint: disable=broad-except
        raise TokenError(f"unreadable header ({type(error).__name__})") from error
    typ = header.get("typ")
    # @see RFC 7515 section 4.1.9: a media type, without regard to case, "application/" left out.
    if not isinstance(typ, str) or typ.lower().removeprefix("application/") != TYP:
        raise TokenError("not an access token")
    # @see RFC 7515 section 4.1.11: no extension is understood here. Some versions of PyJWT ignore
    # the member, others know an extension of their own.
    if "crit" in header:
        raise TokenError("unknown critical extension")
    kid = header.get("kid")
    if not isinstance(kid, str):
        raise TokenError("no kid")
    return kid


def _signed_claims(token, key, issuer, audience):
    try:
        return jwt.decode(
            token,
            key.public_key,
            # The key decides, never the token: "none", or HS256 with the public key as the
            # secret, are other algorithms than the key's.
            algorithms=[key.algorithm],
            issuer=issuer,
            audience=audience,
            leeway=LEEWAY,
            options={"require": REQUIRED_CLAIMS, "verify_signature": True},
        )
    except jwt.ExpiredSignatureError as error:
        raise TokenExpired("expired") from error
    except jwt.PyJWTError as error:
        raise TokenError(type(error).__name__) from error
    # PyJWT lets some of Python's own errors through, an infinite exp for one.
    except Exception as error:  # noqa: BLE001 pylint: disable=broad-except
        raise TokenError(f"unreadable ({type(error).__name__})") from error


def _check_times(claims):
    # PyJWT also takes "1700000000", 1.5 and true.
    if any(type(claims[name]) is not int for name in ("exp", "iat")):
        raise TokenError("a time is not an integer")
    if not 0 < claims["exp"] - claims["iat"] <= MAX_LIFETIME:
        raise TokenError("lives too long")


def _check_strings(claims):
    for name in ("sub", "client_id", "jti", "sid"):
        if not isinstance(claims[name], str) or not claims[name]:
            raise TokenError(f"{name} is not a string")
    if not isinstance(claims.get("scope", ""), str):
        raise TokenError("scope is not a string")


def _uid(sub):
    if not _UID.fullmatch(sub):
        raise TokenError("sub is not a user id")
    return int(sub)
