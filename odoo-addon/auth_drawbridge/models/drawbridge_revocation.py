from odoo import api, fields, models


class DrawbridgeRevocation(models.Model):
    """What the bridge has ended: tokens that are refused although they have not expired.

    Each row is about a session, or about a user whose tokens from up to a time are refused. Every
    request reads them by SQL, see ``ir.http``: not through a cache, that each of them would flush on
    all workers.
    """

    _name = "drawbridge.revocation"
    _description = "Session or user whose tokens are refused"
    _log_access = False

    sid = fields.Char(string="Session")
    # Not a reference: who was deleted is out, too.
    uid = fields.Integer(string="User id")
    # The user's tokens that were issued up to then are refused.
    cutoff = fields.Datetime(string="Issued up to")
    # By then all of these tokens have expired.
    until = fields.Datetime(string="Refused until", required=True)

    _sid_unique = models.Constraint("UNIQUE (sid)")
    _uid_unique = models.Constraint("UNIQUE (uid)")

    @api.model
    def _record(self, sessions, users):
        """Have tokens refused from now on. What is known already stays as it is.

        Of two that are told out of order, the later one counts: no cut-off moves back.

        :param dict sessions: until when, by ``sid``; all times are seconds since 1970
        :param dict users: pairs of the cut-off and until when, by id
        """
        # In one order, so that bridges that tell the same at once do not block each other for ever.
        if sessions:
            self.env.cr.execute(
                """INSERT INTO drawbridge_revocation (sid, until)
                   SELECT sid, to_timestamp(until) AT TIME ZONE 'UTC'
                     FROM unnest(%s, %s) AS told (sid, until) ORDER BY sid
                       ON CONFLICT (sid) DO UPDATE SET until = excluded.until
                    WHERE drawbridge_revocation.until < excluded.until""",
                [list(sessions), list(sessions.values())],
            )
        if users:
            cutoffs, untils = zip(*users.values(), strict=True)
            self.env.cr.execute(
                """INSERT INTO drawbridge_revocation (uid, cutoff, until)
                   SELECT uid, to_timestamp(cutoff) AT TIME ZONE 'UTC',
                          to_timestamp(until) AT TIME ZONE 'UTC'
                     FROM unnest(%s, %s, %s) AS told (uid, cutoff, until) ORDER BY uid
                       ON CONFLICT (uid) DO UPDATE
                      SET cutoff = greatest(drawbridge_revocation.cutoff, excluded.cutoff),
                          until = greatest(drawbridge_revocation.until, excluded.until)
                    WHERE drawbridge_revocation.cutoff < excluded.cutoff
                       OR drawbridge_revocation.until < excluded.until""",
                [list(users), list(cutoffs), list(untils)],
            )

    @api.autovacuum
    def _gc_revocations(self):
        """Remove what concerns only tokens that have expired."""
        self.env.cr.execute(
            """DELETE FROM drawbridge_revocation
                WHERE until < clock_timestamp() AT TIME ZONE 'UTC'"""
        )
