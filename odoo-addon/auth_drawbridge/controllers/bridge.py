from odoo import http
from odoo.fields import Domain
from odoo.http import request
from odoo.service.model import call_kw

from .. import jwks, revocations
from ..exceptions import Malformed
from ..models.res_config_settings import jwks_url

#: Ids in one request for stamps.
MAX_UIDS = 1000


def bridge_route(path, auth="drawbridge"):
    """A route for the paired bridge alone: JSON in, JSON out, no cookies."""
    return http.route(
        f"/auth_drawbridge/1/{path}",
        type="http",
        auth=auth,
        methods=["POST"],
        csrf=False,
        save_session=False,
    )


class BridgeController(http.Controller):
    """What the bridge asks. Whatever is in a path or a body was signed by it."""

    @bridge_route("hello")
    def hello(self):
        """Whether the pairing works, and whom Odoo takes the caller for.

        ``client_address`` is what was forwarded where Odoo runs with ``proxy_mode``, and the
        bridge's own address where not. ``event_key`` is the public JWK that what Odoo sends is
        verified with.
        """
        return request.make_json_response(
            {
                "client_address": request.httprequest.remote_addr,
                "event_key": request.env["drawbridge.bridge"]._public_key(),
            }
        )

    @bridge_route("sign_in")
    def sign_in(self):
        """``{login, password, code?}``: see ``_drawbridge_sign_in`` of ``res.users``."""
        login, password = _parameter("login", str), _parameter("password", str)
        code = _parameter("code", str | None)
        users = request.env(user=None, su=False)["res.users"]
        return request.make_json_response(users._drawbridge_sign_in(login, password, code))

    @bridge_route("lookup")
    def lookup(self):
        """``{login}`` or ``{oauth: {provider, uid}}``: whose login or account that is.

        ``provider`` is the id of an ``auth.oauth.provider``, ``uid`` what that calls its user. The
        answer is the profile, with ``second_factor``: whether Odoo would ask for one after another
        provider's word, as it does after a password. It is ``{"uid": null}`` where there is nobody.

        On an upgrade of Odoo: see in ``auth_oauth`` that ``_check_credentials`` still leaves the
        second factor to ``_mfa_url`` (``"mfa": "default"``), and by what ``_auth_oauth_signin``
        finds the user.
        """
        account = _parameter("oauth", dict | None)
        users = request.env["res.users"].sudo()
        if account is None:
            domain = users._get_login_domain(_parameter("login", str))
        else:
            domain = _oauth_domain(users, account)
        user = users.search(domain, order=users._get_login_order(), limit=1)
        profile = user._drawbridge_profile() if user else {"uid": None, "active": False}
        if profile["active"]:
            profile["second_factor"] = bool(user.with_user(user).sudo()._mfa_url())
        return request.make_json_response(profile)

    @bridge_route("profile")
    def profile(self):
        """``{uid}``: who that is by now; ``active`` is false for the archived and the deleted."""
        user = request.env["res.users"].browse(_parameter("uid", int))
        return request.make_json_response(user._drawbridge_profile())

    @bridge_route("stamps")
    def stamps(self):
        """``{uids}``: the stamp of each who may sign in, by id."""
        uids = _parameter("uids", list)
        if len(uids) > MAX_UIDS or any(type(uid) is not int for uid in uids):
            raise Malformed()
        profiles = [request.env["res.users"].browse(uid) for uid in set(uids)]
        is_active = request.env["ir.http"]._drawbridge_is_active_user
        stamps = {user.id: user._drawbridge_stamp() for user in profiles if is_active(user.id)}
        return request.make_json_response({"stamps": stamps})

    @bridge_route("keys", auth="drawbridge_keys")
    def keys(self):
        """Fetch the bridge's keys now, and give the ids of those that are trusted from then on.

        The bridge says so when they change. That it does is a reason to look, and no more: whoever
        stole a key must not be able to plant others.
        """
        if _body():
            raise Malformed()
        url = jwks_url(request.env["ir.config_parameter"].sudo())
        keys = request.env["drawbridge.keys"]
        _stored, known = keys._refresh(url, jwks.PUSH_COOL_DOWN, wait=True)
        return request.make_json_response({"kids": sorted(known)})

    @bridge_route("revocations")
    def revocations(self):
        """``{sessions: [{sid, until}], users: [{uid, cutoff, until}]}``: refuse their tokens.

        May be repeated: the later of what was said counts.
        """
        try:
            sessions, users = revocations.parse(_body())
        except ValueError:
            raise Malformed() from None
        request.env["drawbridge.revocation"]._record(sessions, users)
        return request.make_json_response({})

    # The names of the arguments are those of /json/2: by them the scope is judged (``scopes.py``).
    @http.route(
        "/auth_drawbridge/1/call/<__model__>/<__method__>",
        type="jsonrpc",
        auth="bearer",
        methods=["POST"],
        save_session=False,
    )
    def call(self, __model__, __method__, args, kwargs):
        """Call a method of a model as the user of the token, with arguments by position.

        That is what ``/json/2`` does not take, and what clients of XML-RPC send.
        """
        if __model__ not in request.env:
            raise request.not_found()
        return call_kw(request.env[__model__], __method__, args, kwargs)


def _oauth_domain(users, account):
    """Who has that account at a provider that is allowed to sign people in to Odoo.

    :raise Malformed: ``account`` is not ``{provider, uid}``
    """
    provider, uid = account.get("provider"), account.get("uid")
    if type(provider) is not int or not isinstance(uid, str) or not uid:
        raise Malformed()
    if "oauth_uid" not in users._fields:
        # Without auth_oauth nobody has an account anywhere.
        return Domain.FALSE
    return Domain(
        [
            ("oauth_uid", "=", uid),
            ("oauth_provider_id", "=", provider),
            ("oauth_provider_id.enabled", "=", True),
        ]
    )


def _body():
    """The body, which must be an object.

    :raise Malformed: it is none
    """
    try:
        body = request.get_json_data()
    except (ValueError, RecursionError):
        raise Malformed() from None
    if not isinstance(body, dict):
        raise Malformed()
    return body


def _parameter(name, kind):
    """A member of the body.

    :raise Malformed: it is of another kind, or missing where it may not be
    """
    value = _body().get(name)
    # True is an int to Python.
    if not isinstance(value, kind) or isinstance(value, bool):
        raise Malformed()
    return value
