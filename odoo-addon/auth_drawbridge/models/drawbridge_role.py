import re

from odoo import api, fields, models
from odoo.exceptions import ValidationError

# A role is a word of a header, of a list with spaces between.
_ROLE = re.compile(r"[a-z0-9_.-]{1,64}")


class DrawbridgeRole(models.Model):
    _name = "drawbridge.role"
    _description = "Role that members of a group have in other apps"
    _order = "role, id"
    _rec_name = "role"

    group_id = fields.Many2one(
        comodel_name="res.groups",
        required=True,
        ondelete="cascade",
        index=True,
        help="Everybody in this group, also by way of another group, has the role.",
    )
    role = fields.Char(
        required=True,
        help="As other apps know it: lower-case letters, digits, dots, hyphens and underscores.",
    )

    _group_and_role = models.Constraint(
        "UNIQUE(group_id, role)",
        "This group has this role already.",
    )

    @api.constrains("role")
    def _check_role(self):
        for each in self:
            if not _ROLE.fullmatch(each.role):
                raise ValidationError(
                    self.env._(
                        "A role has up to 64 lower-case letters, digits, dots, hyphens and "
                        "underscores: %s",
                        each.role,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        roles = super().create(vals_list)
        roles._drawbridge_tell()
        return roles

    def write(self, vals):
        """Tell of those who had the role, and of those who have it now."""
        self._drawbridge_tell()
        result = super().write(vals)
        self._drawbridge_tell()
        return result

    def unlink(self):
        self._drawbridge_tell()
        return super().unlink()

    @api.model
    def _names_for(self, groups):
        """The roles of somebody who is in these groups.

        :rtype: list
        """
        # Whoever asks need not be able to read who has which role.
        found = self.sudo().search([("group_id", "in", groups.ids)])
        return sorted(set(found.mapped("role")))

    def _drawbridge_tell(self):
        """Have the bridge look at the members again: their roles are right at the next refresh."""
        self.env["drawbridge.event"]._queue(self.group_id._drawbridge_members())
