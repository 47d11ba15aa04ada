"""How the bridge proves that a request is its own: a JWT that is good for this one request."""

import base64
import hashlib

from . import signed_jwt
from .signed_jwt import TokenError

#: ``typ`` of an assertion. Never valid as an access token, nor the other way round.
TYP = "drawbridge-assertion+jwt"

#: Seconds between ``iat`` and ``exp`` at most.
MAX_LIFETIME = 60

#: The names of RFC 9449 section 4.2 for method and address (here its path alone: Odoo has other
#: addresses inside than outside), and that of RFC 9530 for the digest of the body.
_REQUEST_CLAIMS = ["htm", "htu", "content_digest"]

REQUIRED_CLAIMS = ["iss", "aud", "exp", "iat", "jti", *_REQUEST_CLAIMS]


def content_digest(body):
    """@see RFC 9530 section 2

    :param bytes body:
    """
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def verify(token, find_key, issuer, audience, *, method, path, body):
    """Check that the bridge made ``token`` for this request.

    :param str token: compact serialization
    :param find_key: takes a ``kid``, gives the :class:`~.jwks.SigningKey` or None
    :param str issuer: the only issuer
    :param str audience: must be the assertion's audience
    :param str method: of the request
    :param str path: of the request
    :param bytes body: of the request
    :raise TokenError: it did not, or not for this; what ``find_key`` raises is passed on
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
    signed_jwt.check_strings(claims, ("aud", "jti", *_REQUEST_CLAIMS))
    request = (method, path, content_digest(body))
    for name, value in zip(_REQUEST_CLAIMS, request, strict=True):
        if claims[name] != value:
            raise TokenError(f"made for another request ({name})")
