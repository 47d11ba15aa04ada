from odoo import models

from .. import browsers


class ResDevice(models.Model):
    _inherit = "res.device"

    def _revoke(self):
        """Record which of the devices the bridge got users from, and tell it."""
        # Afterwards nothing is left that says which these were.
        ended = browsers.handed_off(self.mapped("session_identifier"))
        result = super()._revoke()
        self.env["drawbridge.event"]._queue(browsers=ended)
        return result
