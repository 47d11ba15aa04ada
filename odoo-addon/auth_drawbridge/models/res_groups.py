from odoo import api, models

#: What changes the members' groups without a word to ``res.users``.
_IMPLICATIONS = {"implied_ids", "implied_by_ids"}
_MEMBERS = {"user_ids", "all_user_ids"}


class ResGroups(models.Model):
    _inherit = "res.groups"

    @api.model_create_multi
    def create(self, vals_list):
        groups = super().create(vals_list)
        self.env["drawbridge.event"]._queue(groups._drawbridge_members())
        return groups

    def write(self, vals):
        """Tell of those whose groups change by this, before or after.

        On an upgrade of Odoo: see by which fields a group gets members and implies others.
        """
        names = vals.keys()
        if not names & (_IMPLICATIONS | _MEMBERS):
            return super().write(vals)
        before = self._drawbridge_members()
        result = super().write(vals)
        after = self._drawbridge_members()
        # Who implies what concerns everybody in it, who is in it only those who come and go.
        changed = before | after if names & _IMPLICATIONS else before ^ after
        self.env["drawbridge.event"]._queue(changed)
        return result

    def unlink(self):
        members = self._drawbridge_members()
        result = super().unlink()
        self.env["drawbridge.event"]._queue(members)
        return result

    def _drawbridge_members(self):
        """The ids of all users who are in one of these groups, or in one that implies it."""
        # Who may change a group need not see all its members.
        return set(self.sudo().all_user_ids.ids)
