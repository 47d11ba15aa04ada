"""An authenticator: what holds a passkey, and proves that it does. @see W3C WebAuthn section 6"""

import hashlib
import json

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from .bridge import base64url

ORIGIN = "http://localhost:8069"
RP_ID = "localhost"

_USER_PRESENT, _USER_VERIFIED = 1, 4


class Passkey:
    """A key on P-256."""

    def __init__(self, identifier):
        self.identifier = base64url(identifier)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._count = 0

    def public_key(self):
        """The public key as the server stores it: COSE (RFC 9053 section 7.1.1) in base64url."""
        numbers = self._key.public_key().public_numbers()
        x, y = (each.to_bytes(32, "big") for each in (numbers.x, numbers.y))
        # A map of five: kty EC2, alg ES256, crv P-256, x, y.
        cose = bytes.fromhex("a5010203262001215820") + x + bytes.fromhex("225820") + y
        return base64url(cose) + "=" * (-len(base64url(cose)) % 4)

    def assertion(self, challenge, verified=True):
        """What a browser sends, as JSON, for a challenge in base64url."""
        self._count += 1
        client_data = json.dumps(
            {"type": "webauthn.get", "challenge": challenge, "origin": ORIGIN}
        ).encode()
        flags = _USER_PRESENT | (_USER_VERIFIED if verified else 0)
        rp_hash = hashlib.sha256(RP_ID.encode()).digest()
        data = rp_hash + bytes([flags]) + self._count.to_bytes(4, "big")
        signed = data + hashlib.sha256(client_data).digest()
        response = {
            "authenticatorData": base64url(data),
            "clientDataJSON": base64url(client_data),
            "signature": base64url(self._key.sign(signed, ec.ECDSA(hashes.SHA256()))),
        }
        return json.dumps(
            {
                "id": self.identifier,
                "rawId": self.identifier,
                "response": response,
                "type": "public-key",
                "clientExtensionResults": {},
            }
        )
