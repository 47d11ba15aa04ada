"""The bridge's public keys (RFC 7517): fetched over HTTP, kept in the memory of each process."""

import json
import logging
import threading
from dataclasses import dataclass
from time import monotonic

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

_logger = logging.getLogger(__name__)

#: Seconds after which the keys are fetched anew. A key that the bridge withdraws is trusted this
#: much longer.
MAX_AGE = 300

#: Seconds for which fetched keys are trusted while the bridge cannot be reached: an outage of it
#: must not void tokens that are good, and must not keep a withdrawn key alive for ever.
MAX_STALE_AGE = 3600

#: Seconds between two fetches at least, so that tokens with invented kids make no storm.
COOL_DOWN = 10

#: Seconds that a fetch may take.
TIMEOUT = 3

#: Bytes. A key has about 200.
MAX_BYTES = 64 * 1024

MIN_RSA_BITS = 2048


#: What :func:`fetch` raises.
FETCH_ERRORS = (requests.RequestException, ValueError, RecursionError)


class KeysUnavailable(Exception):
    """There are no keys that may still be trusted, and none could be fetched."""


@dataclass(frozen=True)
class SigningKey:
    """A public key and the one algorithm that it verifies (``ES256`` or ``RS256``)."""

    algorithm: str
    public_key: EllipticCurvePublicKey | RSAPublicKey


class KeySet:
    """The keys at one address. Safe for threads; makes at most one fetch at a time.

    :param str url: of the JWK Set
    """

    def __init__(self, url):
        self._url = url
        self._lock = threading.Lock()
        self._keys = {}
        self._fetched_at = float("-inf")
        self._attempted_at = float("-inf")

    def find(self, kid):
        """Give the key of that id, from memory where possible.

        :rtype: SigningKey or None
        :raise KeysUnavailable: nothing to judge by
        """
        key = self._keys.get(kid)
        if key is not None and self._is_younger_than(MAX_AGE):
            return key
        # Who holds a key that may still be trusted does not wait for another thread's fetch.
        must_wait = key is None or not self._is_younger_than(MAX_STALE_AGE)
        if self._lock.acquire(blocking=must_wait):
            try:
                self._refresh(kid)
            finally:
                self._lock.release()
        if not self._is_younger_than(MAX_STALE_AGE):
            raise KeysUnavailable(self._url)
        return self._keys.get(kid)

    def _is_younger_than(self, seconds):
        return monotonic() - self._fetched_at < seconds

    def _refresh(self, kid):
        if kid in self._keys and self._is_younger_than(MAX_AGE):
            return  # another thread did while this one waited
        if monotonic() - self._attempted_at < COOL_DOWN:
            return
        self._attempted_at = monotonic()
        try:
            self._keys = fetch(self._url)
        except FETCH_ERRORS as error:
            _logger.warning("Could not fetch the keys at %s: %s", self._url, error)
            return
        self._fetched_at = monotonic()


_key_sets = {}


def key_set(url):
    """The :class:`KeySet` of an address, one per process."""
    return _key_sets.setdefault(url, KeySet(url))


def fetch(url):
    """Fetch the keys at an address, past any memory of them.

    :return: :class:`SigningKey` by ``kid``
    :rtype: dict
    :raise FETCH_ERRORS:
    """
    return _signing_keys(_download(url))


def _download(url):
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


def _signing_keys(document):
    jwks = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(jwks, list):
        raise ValueError("not a JWK Set")
    # @see RFC 7517 section 5: a key that is not understood is ignored, not an error.
    found = ((jwk.get("kid"), _signing_key(jwk)) for jwk in jwks if isinstance(jwk, dict))
    return {kid: key for kid, key in found if isinstance(kid, str) and key is not None}


def _signing_key(jwk):
    kind = (jwk.get("kty"), jwk.get("crv"))
    if kind == ("EC", "P-256"):
        algorithm, members = "ES256", ("kty", "crv", "x", "y")
    elif kind == ("RSA", None):
        algorithm, members = "RS256", ("kty", "n", "e")
    else:
        return None
    if jwk.get("use", "sig") != "sig" or jwk.get("alg", algorithm) != algorithm:
        return None
    try:
        # Only the public members: were a private one published by mistake, it stays unread.
        public_key = jwt.PyJWK({name: jwk[name] for name in members}, algorithm=algorithm).key
    except (jwt.PyJWTError, KeyError, TypeError, ValueError):
        return None
    if algorithm == "RS256" and public_key.key_size < MIN_RSA_BITS:
        return None
    return SigningKey(algorithm, public_key)
