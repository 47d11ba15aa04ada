"""An event for the bridge: which sessions it should look at again. Knows nothing of Odoo."""

import hashlib
import json
import logging
import threading
import time
import uuid
from dataclasses import dataclass, field

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric import ec

from .assertion import content_digest

_logger = logging.getLogger(__name__)

#: ``typ`` of what proves an event. Never valid as anything else that the bridge takes.
TYP = "drawbridge-event+jwt"

#: Of the bridge, below its address.
PATH = "/odoo/events"

#: Seconds between ``iat`` and ``exp``. The last attempt begins well before.
LIFETIME = 60

#: Users in one event; more are told of as all.
MAX_UIDS = 1000

#: Sessions of Odoo in one event, which the bridge takes up to 16 KiB of. The others it finds by
#: itself when it asks which are left.
MAX_BROWSERS = 64

#: Seconds to wait before each attempt. What is lost all the same, the bridge finds by itself when
#: it compares the stamps.
WAITS = (0, 0.5, 2)

#: Seconds to connect, and to wait for the answer.
TIMEOUT = 2

#: Events that are being sent by one process. A bridge that hangs must not fill it with threads.
MAX_SENDING = 32

_sending = threading.BoundedSemaphore(MAX_SENDING)


@dataclass(frozen=True, repr=False)
class Sender:
    """What it takes to send events.

    :param str url: of the bridge's route for events
    :param str issuer: of the event: ``odoo:<database.uuid>``
    :param str audience: the bridge, by its issuer
    :param str key: private JWK, as JSON
    """

    url: str
    issuer: str
    audience: str
    key: str


@dataclass(frozen=True)
class Subject:
    """What an event is about.

    :param set uids: ids of users
    :param set browsers: identifiers of sessions of Odoo
    """

    uids: set = field(default_factory=set)
    browsers: set = field(default_factory=set)


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


def body_of(subject, event_id):
    """The body of an event.

    :param Subject subject:
    :rtype: bytes
    """
    body = {"id": event_id}
    if len(subject.uids) > MAX_UIDS:
        body["all"] = True
    elif subject.uids:
        body["uids"] = sorted(subject.uids)
    if subject.browsers:
        body["browsers"] = sorted(subject.browsers)[:MAX_BROWSERS]
    return json.dumps(body).encode()


def proof_of(body, event_id, sender):
    """What proves that an event is this database's: a JWT that is good for this one body.

    :rtype: str
    """
    now = int(time.time())
    claims = {
        "iss": sender.issuer,
        "aud": sender.audience,
        "iat": now,
        "exp": now + LIFETIME,
        "jti": event_id,
        "content_digest": content_digest(body),
    }
    headers = {"typ": TYP, "kid": public_jwk(sender.key)["kid"]}
    return jwt.encode(claims, _algorithm().from_jwk(sender.key), algorithm="ES256", headers=headers)


def start(subject, sender):
    """Send an event from a thread of its own. Neither waits nor fails.

    :param Subject subject:
    :param Sender sender:
    """
    if not _sending.acquire(blocking=False):
        _logger.warning("Too many events wait for the bridge: one is left to its comparison")
        return
    try:
        # Not a daemon: a process that ends sends its last event first.
        threading.Thread(target=_run, args=[subject, sender], name="drawbridge.event").start()
    # It is called after a commit, which must not look as if it had failed.
    except Exception:  # noqa: BLE001 pylint: disable=broad-except
        _sending.release()
        _logger.exception("An event for the bridge could not be sent")


def _run(subject, sender):
    try:
        _send(subject, sender)
    except Exception:  # noqa: BLE001 pylint: disable=broad-except
        _logger.exception("An event for the bridge could not be sent")
    finally:
        _sending.release()


def _send(subject, sender):
    event_id = str(uuid.uuid4())
    body = body_of(subject, event_id)
    headers = {
        "Authorization": f"Bearer {proof_of(body, event_id, sender)}",
        "Content-Type": "application/json",
    }
    for wait in WAITS:
        time.sleep(wait)
        try:
            with requests.post(
                sender.url,
                data=body,
                headers=headers,
                timeout=TIMEOUT,
                # The proof is for the address that an administrator named.
                allow_redirects=False,
                stream=True,
            ) as response:
                status = response.status_code
        except requests.RequestException as error:
            reason = type(error).__name__
        else:
            if 200 <= status < 300:
                _logger.info("Event %s of %s: told the bridge", event_id, sender.issuer)
                return
            reason = f"status {status}"
            if status < 500 and status != 429:
                break
    _logger.warning("Event %s of %s: the bridge was not told (%s)", event_id, sender.issuer, reason)


def _algorithm():
    return jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256)
