"""How Odoo proves to the bridge that a request is its own: a JWT that is good for this one request.

Knows nothing of Odoo.
"""

import hashlib
import json
import time
from dataclasses import dataclass

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from .assertion import content_digest

#: ``typ`` of a proof. Never valid as anything else that the bridge takes.
TYP = "drawbridge-odoo+jwt"

#: Seconds between ``iat`` and ``exp``.
LIFETIME = 60


@dataclass(frozen=True, repr=False)
class PairedBridge:
    """The bridge, and what it takes to call it.

    :param str url: below which the bridge's routes are, without a slash at its end
    :param str issuer: of the proofs: ``odoo:<database.uuid>``
    :param str audience: the bridge, by its issuer
    :param str key: private JWK, as JSON
    """

    url: str
    issuer: str
    audience: str
    key: str


def generate_key():
    """Make a key.

    :return: private JWK, as JSON
    :rtype: str
    """
    return _algorithm().to_jwk(ec.generate_private_key(ec.SECP256R1()))


def public_jwk(key):
    """Give the public half of a key, named by its thumbprint (RFC 7638).

    :param str key: private JWK, as JSON
    :rtype: dict
    """
    private = json.loads(key)
    required = {name: private[name] for name in ("crv", "kty", "x", "y")}
    text = json.dumps(required, separators=(",", ":"), sort_keys=True)
    thumbprint = jwt.utils.base64url_encode(hashlib.sha256(text.encode()).digest()).decode()
    return {**required, "kid": thumbprint, "alg": "ES256", "use": "sig"}


def headers_of(path, body, jti, bridge):
    """The headers of a ``POST`` that proves itself.

    :param str path: of the bridge's route
    :param bytes body: JSON
    :param str jti: names the proof; the bridge takes most of them once
    :param PairedBridge bridge:
    :rtype: dict
    """
    now = int(time.time())
    claims = {
        "iss": bridge.issuer,
        "aud": bridge.audience,
        "iat": now,
        "exp": now + LIFETIME,
        "jti": jti,
        "htm": "POST",
        "htu": path,
        "content_digest": content_digest(body),
    }
    headers = {"typ": TYP, "kid": public_jwk(bridge.key)["kid"]}
    key = _algorithm().from_jwk(bridge.key)
    token = jwt.encode(claims, key, algorithm="ES256", headers=headers)
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}


def _algorithm():
    return jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256)
