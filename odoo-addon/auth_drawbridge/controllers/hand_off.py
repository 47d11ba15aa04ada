import logging
import re
import time
from urllib.parse import urlencode

from werkzeug.exceptions import BadRequest, Forbidden, HTTPException, MethodNotAllowed, NotFound

from odoo import http
from odoo.http import request

from .. import authentication, browsers
from ..models.res_config_settings import ISSUER
from ..signed_jwt import LEEWAY

_logger = logging.getLogger(__name__)

#: Of the bridge, below its issuer. Nobody is ever sent anywhere else.
CALLBACK = "/auth/continue/odoo/callback"

# base64url: nothing in them has a meaning in an address, so no login page on the way harms them.
_STATE = re.compile(r"[A-Za-z0-9_-]{22,200}")
_CODE_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_SECONDS = re.compile(r"[0-9]{1,10}")

#: By these a browser says that it fetches what its user may want to see later.
_SPECULATIVE = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")

#: Of every answer: none is kept, framed, or told where its reader came from.
_HEADERS = [
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Frame-Options", "DENY"),
    ("Content-Security-Policy", "frame-ancestors 'none'"),
]


class HandOffController(http.Controller):
    """What "Continue with Odoo" leads to: whoever is signed in to Odoo goes on to the bridge."""

    @http.route("/auth_drawbridge/continue", type="http", auth="user", methods=["GET"])
    def hand_off(self, **_parameters):
        """Send the user to the bridge with a code; through Odoo's own login page first.

        Odoo brings them there and back, with the same address, where nobody is signed in.
        """
        try:
            response = self._hand_off()
        except HTTPException as refusal:
            response = refusal.get_response(request.httprequest.environ)
        for name, value in _HEADERS:
            response.headers[name] = value
        return response

    def _hand_off(self):
        _check_navigation()
        state = _parameter("state", _STATE)
        code_challenge = _parameter("code_challenge", _CODE_CHALLENGE)
        after = _parameter("after", _SECONDS, required=False)
        # A login page would bring nobody there, now or for a long time.
        if after is not None and int(after) > int(time.time()) + LEEWAY:
            raise _malformed()
        # What is paired is not for the user's eyes.
        parameters = request.env["ir.config_parameter"].sudo()
        issuer = parameters.get_param(ISSUER)
        if not issuer:
            raise NotFound(request.env._("This Odoo is not connected to any app to continue to."))
        user = request.env.user
        if not request.env["ir.http"]._drawbridge_is_active_user(user.id):
            raise Forbidden(request.env._("This user cannot continue to an app."))
        session = request.session
        if after is not None and not authentication.is_since(session, int(after)):
            return _sign_in_again(int(after))
        auth_time, amr = authentication.of(session)
        browser = browsers.identifier_of(session)
        codes = request.env["drawbridge.code"]
        code = codes._issue(user, code_challenge, auth_time, amr, browser)
        session[browsers.HANDED_OFF] = True
        ip = request.httprequest.remote_addr
        _logger.info("User %s continues to %s from %s, amr %s", user.id, issuer, ip, amr)
        # @see RFC 9207: by the issuer the bridge sees that it is this Odoo that answers.
        iss = f"odoo:{parameters.get_param('database.uuid')}"
        query = urlencode({"code": code, "state": state, "iss": iss})
        return request.redirect(f"{issuer}{CALLBACK}?{query}", 303, local=False)


def _check_navigation():
    """Refuse what is not somebody who goes to this address, in a window of their own.

    :raise HTTPException:
    """
    headers = request.httprequest.headers
    # HEAD, which werkzeug adds to GET, and OPTIONS, which Odoo adds.
    if request.httprequest.method != "GET":
        raise MethodNotAllowed(["GET"])
    is_speculative = any(name in headers for name in _SPECULATIVE)
    if is_speculative or headers.get("Sec-Fetch-Dest", "document") != "document":
        raise Forbidden()


def _sign_in_again(after):
    # The session that is left has nobody's data, and a new id when it is saved.
    request.session.logout(keep_db=True)
    authentication.ask_again(request.session, after)
    return request.redirect_query(
        "/web/login", {"redirect": request.httprequest.full_path}, code=303
    )


def _parameter(name, pattern, required=True):
    """The one value of a parameter of the address; None where it is missing and may be.

    :raise BadRequest: repeated, malformed, or missing where it may not be
    """
    values = request.httprequest.args.getlist(name)
    if not values and not required:
        return None
    # Of two values, who reads the first and who reads the last disagree.
    if len(values) != 1 or not pattern.fullmatch(values[0]):
        raise _malformed()
    return values[0]


def _malformed():
    return BadRequest(
        request.env._("This address is not complete. Go back to the app, and begin again there.")
    )
