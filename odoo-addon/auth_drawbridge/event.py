"""An event for the bridge: which sessions it should look at again. Knows nothing of Odoo."""

import json
import logging
import threading
import time
import uuid
from dataclasses import dataclass, field

import requests

from . import proof

_logger = logging.getLogger(__name__)

#: Of the bridge, below its address.
PATH = "/odoo/events"

#: Users in one event; more are told of as all.
MAX_UIDS = 1000

#: Sessions of Odoo in one event, which the bridge takes up to 16 KiB of. The others it finds by
#: itself when it asks which were signed out.
MAX_BROWSERS = 64

#: Seconds to wait before each attempt; all are made while the proof lives. What is lost all the
#: same, the bridge finds by itself when it compares the stamps.
WAITS = (0, 0.5, 2)

#: Seconds to connect, and to wait for the answer.
TIMEOUT = 2

#: Events that are being sent by one process. A bridge that hangs must not fill it with threads.
MAX_SENDING = 32

_sending = threading.BoundedSemaphore(MAX_SENDING)


@dataclass(frozen=True)
class Subject:
    """What an event is about.

    :param set uids: ids of users
    :param set browsers: identifiers of sessions of Odoo
    """

    uids: set = field(default_factory=set)
    browsers: set = field(default_factory=set)


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


def start(subject, bridge):
    """Send an event from a thread of its own. Neither waits nor fails.

    :param Subject subject:
    :param proof.PairedBridge bridge:
    """
    if not _sending.acquire(blocking=False):
        _logger.warning("Too many events wait for the bridge: one is left to its comparison")
        return
    try:
        # Not a daemon: a process that ends sends its last event first.
        threading.Thread(target=_run, args=[subject, bridge], name="drawbridge.event").start()
    # It is called after a commit, which must not look as if it had failed.
    except Exception:  # noqa: BLE001 pylint: disable=broad-except
        _sending.release()
        _logger.exception("An event for the bridge could not be sent")


def _run(subject, bridge):
    try:
        _send(subject, bridge)
    except Exception:  # noqa: BLE001 pylint: disable=broad-except
        _logger.exception("An event for the bridge could not be sent")
    finally:
        _sending.release()


def _send(subject, bridge):
    event_id = str(uuid.uuid4())
    body = body_of(subject, event_id)
    # One for all attempts: the bridge takes that of an event more than once.
    headers = proof.headers_of(PATH, body, event_id, bridge)
    for wait in WAITS:
        time.sleep(wait)
        try:
            with requests.post(
                bridge.url + PATH,
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
                _logger.info("Event %s of %s: told the bridge", event_id, bridge.issuer)
                return
            reason = f"status {status}"
            if status < 500 and status != 429:
                break
    _logger.warning("Event %s of %s: the bridge was not told (%s)", event_id, bridge.issuer, reason)
