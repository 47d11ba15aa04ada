"""The test of the connection to the bridge, step by step. Knows nothing of Odoo.

Words for people are not made here: each step has an outcome, and the page says what it means.
"""

from . import bridge_call, jwks

#: Of the bridge's routes. @see RFC 8414 section 3
METADATA_PATH = "/.well-known/oauth-authorization-server"
STATUS_PATH = "/odoo/status"

#: Names of the steps, in their order.
STEPS = ("reach", "issuer", "keys", "key", "signature")


def run(bridge, jwks_url):
    """Try everything that a working pairing needs.

    Takes some seconds at most, and raises nothing.

    :param proof.PairedBridge bridge:
    :param str jwks_url: where this Odoo fetches the bridge's keys
    :return: ``steps``, a list of ``{step, outcome, detail}`` where the outcome of what went well is
        ``ok``, and of what could not be tried ``skipped``; and ``status``, what the bridge tells of
        itself, or None
    :rtype: dict
    """
    metadata, reached = _reach(bridge)
    issuer = _issuer(bridge, metadata)
    kids, keys = _keys(jwks_url)
    status, known = _status(bridge) if issuer["outcome"] == "ok" else (None, _skipped("key"))
    return {
        "steps": [reached, issuer, keys, known, _signature(status, kids)],
        "status": status,
    }


def _step(step, outcome="ok", detail=""):
    return {"step": step, "outcome": outcome, "detail": str(detail)[:200]}


def _skipped(step):
    return _step(step, "skipped")


def _reach(bridge):
    try:
        metadata = bridge_call.get(bridge.url + METADATA_PATH)
    except bridge_call.CallError as error:
        outcome = "no_bridge" if error.status else "unreachable"
        return None, _step("reach", outcome, error)
    if not isinstance(metadata.get("issuer"), str):
        return None, _step("reach", "no_bridge", "no issuer")
    return metadata, _step("reach", detail=bridge.url)


def _issuer(bridge, metadata):
    if metadata is None:
        return _skipped("issuer")
    outcome = "ok" if metadata["issuer"] == bridge.audience else "other"
    return _step("issuer", outcome, metadata["issuer"])


def _keys(jwks_url):
    try:
        kids = jwks.parse(jwks.download(jwks_url)).keys()
    except jwks.Unreadable as error:
        cause = error.__cause__
        # An error of the network says all addresses and sockets that it knows of.
        detail = cause if type(cause) is ValueError else type(cause).__name__
        return None, _step("keys", "failed", detail)
    return (kids, _step("keys", detail=len(kids))) if kids else (None, _step("keys", "none"))


def _status(bridge):
    try:
        status = bridge_call.post(bridge, STATUS_PATH, {})
    except bridge_call.CallError as error:
        outcome = {401: "unknown", 404: "not_paired"}.get(error.status, "failed")
        return None, _step("key", outcome, error)
    return (status, _step("key")) if _is_status(status) else (None, _step("key", "failed"))


def _is_status(status):
    lives = ("access_token_ttl", "refresh_idle_ttl", "refresh_absolute_ttl")
    role_map = status.get("role_map")
    return (
        all(isinstance(status.get(name), str) for name in ("issuer", "version", "kid"))
        and all(type(status.get(name)) is int for name in lives)
        and isinstance(role_map, dict)
        and all(isinstance(role, str) for role in role_map.values())
    )


def _signature(status, kids):
    if status is None or kids is None:
        return _skipped("signature")
    return _step("signature", "ok" if status["kid"] in kids else "other", status["kid"])
