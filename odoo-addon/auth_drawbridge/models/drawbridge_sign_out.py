import logging
from datetime import timedelta

from psycopg2.errors import SerializationFailure

from odoo import api, fields, models

_logger = logging.getLogger(__name__)

#: Days that a sign-out is kept. Bridges ask every minute.
KEPT = 30

#: How often it is tried to record. The second attempt sees what the first one ran into.
ATTEMPTS = 3


class DrawbridgeSignOut(models.Model):
    """Sessions of Odoo that handed somebody over to the bridge, and were signed out since.

    One that expires, or whose files are cleaned up, is none of them: that says nothing of whether
    its user wants to be signed out of the apps.
    """

    _name = "drawbridge.sign.out"
    _description = "A session of Odoo that was signed out after it led to an app"
    _log_access = False

    browser = fields.Char(string="Session of Odoo", required=True)
    signed_out_at = fields.Datetime(string="Signed out at", required=True)

    _browser_unique = models.UniqueIndex("(browser)")

    @api.model
    def _signed_out(self, browsers):
        """Which of these sessions were signed out.

        :param browsers: identifiers
        :rtype: set[str]
        """
        self.env.cr.execute(
            "SELECT browser FROM drawbridge_sign_out WHERE browser = ANY(%s)", [list(browsers)]
        )
        return {browser for (browser,) in self.env.cr.fetchall()}

    @api.autovacuum
    def _gc_sign_outs(self):
        before = fields.Datetime.now() - timedelta(days=KEPT)
        self.search([("signed_out_at", "<", before)]).unlink()


def record(registry, browsers):
    """Keep that these sessions were signed out. Never fails: it is called after a commit.

    On a cursor of its own: Odoo's sign-out is a route that reads, maybe from a replica.

    :param registry: of the database
    :param browsers: identifiers
    """
    try:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                _insert(registry, sorted(browsers))
                return
            # Who presses twice is recorded by two transactions at once; the next attempt sees
            # what the other has written.
            except SerializationFailure:
                if attempt == ATTEMPTS:
                    raise
    # The commit must not look as if it had failed, and the bridge is still to be told.
    except Exception:  # noqa: BLE001 pylint: disable=broad-except
        _logger.exception("It could not be recorded that sessions of Odoo were signed out")


def _insert(registry, browsers):
    with registry.cursor() as cr:
        cr.execute(
            """INSERT INTO drawbridge_sign_out (browser, signed_out_at)
               SELECT browser, now() AT TIME ZONE 'UTC' FROM unnest(%s) AS browser
                   ON CONFLICT DO NOTHING""",
            [browsers],
            log_exceptions=False,
        )
