from odoo import models

from .. import browsers


class ResDevice(models.Model):
    _inherit = "res.device"

    def _revoke(self):
        """Tell the bridge of the devices that it got users from."""
        # Afterwards nothing is left that says which these were.
        ended = browsers.handed_off(self.mapped("session_identifier"))
        result = super()._revoke()
        self.env["drawbridge.event"]._queue(browsers=ended)
        return result
