from odoo import http
from odoo.http import request


class WhoAmI(http.Controller):
    # GET, and readonly: reads, so that a token with odoo.read is enough.
    @http.route(
        "/auth_drawbridge_demo/whoami",
        type="http",
        auth="bearer",
        methods=["GET"],
        readonly=True,
        save_session=False,
    )
    def whoami(self):
        """``{uid, login, name, partners, scopes}`` of whoever calls.

        ``partners`` is how many contacts the caller may see: record rules hold here as anywhere.
        ``scopes`` is null for an API key, which has none and may do what its user may.
        """
        user = request.env.user
        scopes = request.env["ir.http"]._drawbridge_scopes()
        return request.make_json_response(
            {
                "uid": user.id,
                "login": user.login,
                "name": user.name,
                "partners": request.env["res.partner"].search_count([]),
                "scopes": None if scopes is None else sorted(scopes),
            }
        )
