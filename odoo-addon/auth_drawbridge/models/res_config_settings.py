from urllib.parse import urlsplit

from odoo import api, fields, models
from odoo.exceptions import ValidationError

#: System parameter: the issuer whose tokens are accepted, exactly as in their ``iss``.
ISSUER = "auth_drawbridge.issuer"

#: System parameter: where the issuer's keys are, if not at its own well-known address.
JWKS_URL = "auth_drawbridge.jwks_url"

#: System parameter: where the bridge itself is, if Odoo does not reach it at the issuer.
BRIDGE_URL = "auth_drawbridge.bridge_url"

#: System parameter: the private JWK that events are signed with; made when the bridge first asks.
EVENT_KEY = "auth_drawbridge.event_key"


def jwks_url(parameters):
    """The address of the keys that this database trusts.

    :param parameters: ``ir.config_parameter`` with the right to read; an issuer is set
    :rtype: str
    """
    return (
        parameters.get_param(JWKS_URL)
        or f"{parameters.get_param(ISSUER)}/.well-known/jwks.json"
    )


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    # Not by ``config_parameter``: its ``default_get`` reads as superuser for whoever calls it.
    auth_drawbridge_issuer = fields.Char(
        string="Issuer",
        help="The address of the bridge, exactly as it stands in the tokens.",
    )
    auth_drawbridge_jwks_url = fields.Char(
        string="Address of the keys",
        help="Where Odoo fetches the bridge's public keys. "
        "Leave it empty to use /.well-known/jwks.json below the issuer.",
    )
    auth_drawbridge_bridge_url = fields.Char(
        string="Address of the bridge",
        help="Where Odoo tells the bridge of changed users, at /odoo/events below it. "
        "Leave it empty to use the issuer.",
    )

    @api.constrains(
        "auth_drawbridge_issuer", "auth_drawbridge_jwks_url", "auth_drawbridge_bridge_url"
    )
    def _check_auth_drawbridge_urls(self):
        for settings in self:
            issuer = settings.auth_drawbridge_issuer
            if issuer and not _is_base_url(issuer):
                raise ValidationError(
                    self.env._(
                        "The issuer must be an http or https address without a query and without "
                        "a slash at its end: %s",
                        issuer,
                    )
                )
            url = settings.auth_drawbridge_jwks_url
            if url and not _is_http_url(url):
                raise ValidationError(
                    self.env._("The address of the keys must be an http or https address: %s", url)
                )
            bridge_url = settings.auth_drawbridge_bridge_url
            if bridge_url and not _is_base_url(bridge_url):
                raise ValidationError(
                    self.env._(
                        "The address of the bridge must be an http or https address without a "
                        "query and without a slash at its end: %s",
                        bridge_url,
                    )
                )

    @api.model
    def get_values(self):
        values = super().get_values()
        parameters = self.env["ir.config_parameter"]
        if parameters.has_access("read"):
            values["auth_drawbridge_issuer"] = parameters.get_param(ISSUER)
            values["auth_drawbridge_jwks_url"] = parameters.get_param(JWKS_URL)
            values["auth_drawbridge_bridge_url"] = parameters.get_param(BRIDGE_URL)
        return values

    def set_values(self):
        result = super().set_values()
        parameters = self.env["ir.config_parameter"]
        parameters.set_param(ISSUER, (self.auth_drawbridge_issuer or "").strip() or False)
        parameters.set_param(JWKS_URL, (self.auth_drawbridge_jwks_url or "").strip() or False)
        parameters.set_param(BRIDGE_URL, (self.auth_drawbridge_bridge_url or "").strip() or False)
        return result


def _is_base_url(text):
    return _is_http_url(text) and not text.endswith("/") and "?" not in text


def _is_http_url(text):
    try:
        url = urlsplit(text.strip())
        return (
            url.scheme in ("http", "https")
            and bool(url.hostname)
            and not (url.username or url.password or url.fragment)
        )
    except ValueError:
        return False
