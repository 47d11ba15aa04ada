import logging

from odoo import http
from odoo.http import request

from .. import browsers
from ..exceptions import Malformed
from .bridge import _parameter, bridge_route

_logger = logging.getLogger(__name__)

#: Sessions in one request.
MAX_BROWSERS = 1000


class BrowsersController(http.Controller):
    """What the bridge asks about sessions of Odoo's own pages."""

    @bridge_route("browsers")
    def browsers(self):
        """``{browsers}``: those that are still signed in, in ``alive``."""
        asked = _parameter("browsers", list)
        if len(asked) > MAX_BROWSERS or not all(map(browsers.is_identifier, asked)):
            raise Malformed()
        alive = browsers.signed_in(set(asked), request.db)
        return request.make_json_response({"alive": sorted(alive)})

    @bridge_route("sign_out")
    def sign_out(self):
        """``{browser, uid}``: end that session, if it is that user's; ``ended`` says whether."""
        browser, uid = _parameter("browser", str), _parameter("uid", int)
        if not browsers.is_identifier(browser):
            raise Malformed()
        ended = browsers.end(browser, uid, request.db)
        if ended:
            devices = request.env["res.device.log"].sudo()
            found = devices.search([("session_identifier", "=", browser), ("user_id", "=", uid)])
            found.write({"revoked": True})
            _logger.info("The bridge signed user %s out of a session of Odoo", uid)
        return request.make_json_response({"ended": ended})
