"""Questions to the bridge that somebody waits for. Knows nothing of Odoo."""

import json
import uuid
from time import monotonic

import requests

from . import proof

#: Seconds to connect, and between two parts of an answer. Ending all sessions of somebody takes
#: the bridge one.
TIMEOUT = 4

#: Seconds that an answer may take in all: somebody waits, and a worker with them.
DEADLINE = 8

#: Bytes. Five hundred sessions have about 200 KiB.
MAX_BYTES = 1024 * 1024


class CallError(Exception):
    """The bridge gave no answer to the question.

    :param str reason: for the log, and for administrators; nothing secret
    :param status: of the HTTP answer, or None where there was none
    """

    def __init__(self, reason, status=None):
        super().__init__(reason)
        self.status = status


def post(bridge, path, body):
    """Ask the bridge as this Odoo.

    :param proof.PairedBridge bridge:
    :param str path: of its route
    :param dict body:
    :return: what it answered
    :rtype: dict
    :raise CallError:
    """
    data = json.dumps(body).encode()
    headers = proof.headers_of(path, data, str(uuid.uuid4()), bridge)
    return _json_of("POST", bridge.url + path, data=data, headers=headers)


def get(url):
    """Fetch a public JSON document.

    :rtype: dict
    :raise CallError:
    """
    return _json_of("GET", url, data=None, headers={})


def _json_of(method, url, data, headers):
    deadline = monotonic() + DEADLINE
    try:
        with requests.request(
            method,
            url,
            data=data,
            # Uncompressed, so that the limit below is the limit.
            headers={**headers, "Accept": "application/json", "Accept-Encoding": "identity"},
            timeout=TIMEOUT,
            stream=True,
            # The proof is for the address that an administrator named, and no other.
            allow_redirects=False,
        ) as response:
            status = response.status_code
            if status != 200:
                raise CallError(f"status {status}", status)
            text = b""
            for chunk in response.iter_content(65536):
                text += chunk
                if len(text) > MAX_BYTES or monotonic() > deadline:
                    raise CallError("answers without end", status)
    except requests.RequestException as error:
        raise CallError(type(error).__name__) from error
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        raise CallError("answers no JSON", status) from None
    if not isinstance(answer, dict):
        raise CallError("answers no JSON object", status)
    return answer
