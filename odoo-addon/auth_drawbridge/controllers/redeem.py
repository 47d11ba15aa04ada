from odoo import http
from odoo.http import request

from .bridge import _parameter, bridge_route


class RedeemController(http.Controller):
    @bridge_route("redeem")
    def redeem(self):
        """``{code, code_verifier}``: see ``_redeem`` of ``drawbridge.code``."""
        code, code_verifier = _parameter("code", str), _parameter("code_verifier", str)
        codes = request.env["drawbridge.code"]
        return request.make_json_response(codes._redeem(code, code_verifier))
