"""The bridge's public keys (RFC 7517): how they are fetched and read. Knows nothing of Odoo."""

import hashlib
import json
from dataclasses import dataclass
from time import monotonic

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

#: Seconds after which the keys are fetched anew. A key that the bridge withdraws is trusted this
#: much longer, if the bridge could not tell.
MAX_AGE = 300

#: Seconds for which fetched keys are trusted while the bridge cannot be reached: an outage of it
#: must not void tokens that are good, and must not keep a withdrawn key alive for ever.
MAX_STALE_AGE = 3600

#: Seconds between two fetches at least, of all workers together, so that tokens with invented kids
#: make no storm.
COOL_DOWN = 10

#: The same, where the bridge itself says that its keys are others now.
PUSH_COOL_DOWN = 1

#: Seconds that a fetch may take.
TIMEOUT = 3

#: Bytes. A key has about 200.
MAX_BYTES = 64 * 1024

MIN_RSA_BITS = 2048


class KeysUnavailable(Exception):
    """There are no keys that may still be trusted, and none could be fetched."""


class Unreadable(Exception):
    """No keys came from there. The message is for the log."""


@dataclass(frozen=True)
class SigningKey:
    """A public key and the one algorithm that it verifies (``ES256`` or ``RS256``)."""

    algorithm: str
    public_key: EllipticCurvePublicKey | RSAPublicKey


def download(url):
    """Fetch the keys at an address.

    :param str url: of the JWK Set
    :return: the keys that may be used, and nothing else of what was there: see :func:`parse`
    :rtype: str
    :raise Unreadable: nothing came, or no JWK Set
    """
    try:
        jwks = _usable(_get(url))
    except (requests.RequestException, ValueError, RecursionError) as error:
        raise Unreadable(str(error)) from error
    # One spelling for the same keys, in whatever order they came.
    return json.dumps(jwks, separators=(",", ":"), sort_keys=True)


def parse(document):
    """Give the keys of a document that :func:`download` gave.

    :rtype: dict of str to SigningKey
    """
    return {
        kid: SigningKey(jwk["alg"], jwt.PyJWK(jwk, algorithm=jwk["alg"]).key)
        for kid, jwk in json.loads(document).items()
    }


def version_of(document):
    """What tells one document from another.

    By what is in it, and not a count: a database that was restored counts again what it had
    counted before, and a process would take other keys for those that it has in memory.

    :rtype: str
    """
    return hashlib.sha256(document.encode()).hexdigest()


def _get(url):
    deadline = monotonic() + TIMEOUT
    with requests.get(
        url,
        timeout=TIMEOUT,
        stream=True,
        # Only an administrator names this address. A redirect would let somebody else name one,
        # and have Odoo call it from inside.
        allow_redirects=False,
        # Uncompressed, so that the limit below is the limit.
        headers={"Accept": "application/json", "Accept-Encoding": "identity"},
    ) as response:
        if response.status_code != 200:
            raise ValueError(f"status {response.status_code}")
        body = b""
        for chunk in response.iter_content(8192):
            body += chunk
            if len(body) > MAX_BYTES:
                raise ValueError(f"more than {MAX_BYTES} bytes")
            if monotonic() > deadline:
                raise ValueError(f"not done in {TIMEOUT} seconds")
    return json.loads(body)


def _usable(document):
    jwks = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(jwks, list):
        raise ValueError("not a JWK Set")
    # @see RFC 7517 section 5: a key that is not understood is ignored, not an error.
    found = ((jwk.get("kid"), _public_members(jwk)) for jwk in jwks if isinstance(jwk, dict))
    return {kid: jwk for kid, jwk in found if isinstance(kid, str) and jwk is not None}


def _public_members(jwk):
    kind = (jwk.get("kty"), jwk.get("crv"))
    if kind == ("EC", "P-256"):
        algorithm, members = "ES256", ("kty", "crv", "x", "y")
    elif kind == ("RSA", None):
        algorithm, members = "RS256", ("kty", "n", "e")
    else:
        return None
    # The bridge says so of a key that signs ID tokens alone, which open nothing here.
    if "drawbridge_signs" in jwk:
        return None
    if jwk.get("use", "sig") != "sig" or jwk.get("alg", algorithm) != algorithm:
        return None
    try:
        # Were a private member published by mistake, it stays unread, and is not stored.
        public = {name: jwk[name] for name in members}
        public_key = jwt.PyJWK(public, algorithm=algorithm).key
    except (jwt.PyJWTError, KeyError, TypeError, ValueError):
        return None
    if algorithm == "RS256" and public_key.key_size < MIN_RSA_BITS:
        return None
    return {**public, "alg": algorithm}
