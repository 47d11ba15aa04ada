"""What holds for every JWT of the bridge, whatever it is for. Knows nothing of Odoo or HTTP."""

import jwt

#: Seconds by which the clocks of the bridge and of Odoo may differ.
LEEWAY = 5

#: Characters. The bridge's tokens have about 900.
MAX_LENGTH = 8192


class TokenError(Exception):
    """The token is refused. The message is for the log."""


class TokenExpired(TokenError):
    """The token is signed by the bridge, but its time is over."""


def verify(token, find_key, *, typ, issuer, audience, required, max_lifetime):
    """Check what makes a JWT one of the bridge, of one kind, for this database, and of now.

    :param str token: compact serialization
    :param find_key: takes a ``kid``, gives the :class:`~.jwks.SigningKey` or None
    :param str typ: the only kind; none passes as another
    :param str issuer: the only issuer
    :param str audience: must be the token's audience or one of them
    :param list required: names of claims, ``iss``, ``aud``, ``exp`` and ``iat`` among them
    :param int max_lifetime: seconds between ``iat`` and ``exp`` at most
    :return: the claims
    :rtype: dict
    :raise TokenExpired: the signature is good, the time is over
    :raise TokenError: anything else; what ``find_key`` raises is passed on
    """
    _check_length(token)
    key = find_key(_kid_of(token, typ))
    if key is None:
        raise TokenError("unknown kid")
    claims = _signed_claims(token, key, issuer, audience, required)
    # PyJWT 2.10.0 takes a part of the issuer for the whole (CVE-2024-53861).
    if claims["iss"] != issuer:
        raise TokenError("wrong issuer")
    _check_times(claims, max_lifetime)
    return claims


def unverified(token):
    """Read the claims of a JWT that anybody may have made.

    :param str token: compact serialization
    :return: the claims, of any names and kinds
    :rtype: dict
    :raise TokenError: it cannot be read
    """
    _check_length(token)
    try:
        return jwt.decode(token, options={"verify_signature": False})
    # It is all the attacker's, see ``_kid_of``.
    except Exception as error:  # noqa: BLE001 pylint: disable=broad-except
        raise TokenError(f"unreadable ({type(error).__name__})") from error


def check_strings(claims, names):
    """Refuse claims that are not texts, or empty.

    :raise TokenError:
    """
    for name in names:
        if not isinstance(claims[name], str) or not claims[name]:
            raise TokenError(f"{name} is not a string")


def _check_length(token):
    if len(token) > MAX_LENGTH:
        raise TokenError(f"longer than {MAX_LENGTH} characters")


def _kid_of(token, typ):
    try:
        header = jwt.get_unverified_header(token)
    # The header is the attacker's: whatever the decoder trips over (a RecursionError of deeply
    # nested JSON, say) is a bad token, not a failure of the server.
    except Exception as error:  # noqa: BLE001 pylint: disable=broad-except
        raise TokenError(f"unreadable header ({type(error).__name__})") from error
    found = header.get("typ")
    # @see RFC 7515 section 4.1.9: a media type, without regard to case, "application/" left out.
    if not isinstance(found, str) or found.lower().removeprefix("application/") != typ:
        raise TokenError(f"not of type {typ}")
    # @see RFC 7515 section 4.1.11: no extension is understood here. Some versions of PyJWT ignore
    # the member, others know an extension of their own.
    if "crit" in header:
        raise TokenError("unknown critical extension")
    kid = header.get("kid")
    if not isinstance(kid, str):
        raise TokenError("no kid")
    return kid


def _signed_claims(token, key, issuer, audience, required):
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
            options={"require": required, "verify_signature": True},
        )
    except jwt.ExpiredSignatureError as error:
        raise TokenExpired("expired") from error
    except jwt.PyJWTError as error:
        raise TokenError(type(error).__name__) from error
    # PyJWT lets some of Python's own errors through, an infinite exp for one.
    except Exception as error:  # noqa: BLE001 pylint: disable=broad-except
        raise TokenError(f"unreadable ({type(error).__name__})") from error


def _check_times(claims, max_lifetime):
    # PyJWT also takes "1700000000", 1.5 and true.
    if any(type(claims[name]) is not int for name in ("exp", "iat")):
        raise TokenError("a time is not an integer")
    if not 0 < claims["exp"] - claims["iat"] <= max_lifetime:
        raise TokenError("lives too long")
