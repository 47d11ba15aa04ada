from odoo import api, models

from .. import bridge_call, proof
from .res_config_settings import BRIDGE_URL, EVENT_KEY, ISSUER


class DrawbridgeBridge(models.AbstractModel):
    _name = "drawbridge.bridge"
    _description = "The bridge that this database is paired with, and this database's key for it"

    @api.model
    def _paired(self):
        """What it takes to call the bridge; None where there is none that would listen.

        :rtype: proof.PairedBridge or None
        """
        # Anybody may be who changes something of a user; none of this is shown to them.
        parameters = self.env["ir.config_parameter"].sudo()
        issuer = parameters.get_param(ISSUER)
        key = issuer and self._read_key()
        if not key:
            return None
        return proof.PairedBridge(
            url=parameters.get_param(BRIDGE_URL) or issuer,
            issuer=f"odoo:{parameters.get_param('database.uuid')}",
            audience=issuer,
            key=key,
        )

    @api.model
    def _ask(self, path, body):
        """Ask the bridge, for at most some seconds.

        :raise bridge_call.CallError: it did not answer, or there is none
        """
        paired = self._paired()
        if paired is None:
            raise bridge_call.CallError("not paired")
        return bridge_call.post(paired, path, body)

    @api.model
    def _public_key(self):
        """The public JWK that proofs are verified with. The key is made at the first call.

        :rtype: dict
        """
        key = self._read_key()
        if not key:
            # Two bridges may be the first at the same time: then PostgreSQL lets one of the two
            # requests run again, and that finds the key.
            self.env.cr.execute(
                """INSERT INTO ir_config_parameter
                          (key, value, create_uid, write_uid, create_date, write_date)
                   VALUES (%s, %s, %s, %s, now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC')
                       ON CONFLICT (key) DO NOTHING""",
                [EVENT_KEY, proof.generate_key(), api.SUPERUSER_ID, api.SUPERUSER_ID],
                # The key of the one that fails is nobody's, and would alarm whoever reads the log.
                log_exceptions=False,
            )
            key = self._read_key()
        return proof.public_jwk(key)

    @api.model
    def _read_key(self):
        # By SQL, so that it is in no cache, and does not take the rights of who happens to be here.
        self.env.cr.execute("SELECT value FROM ir_config_parameter WHERE key = %s", [EVENT_KEY])
        row = self.env.cr.fetchone()
        return row and row[0]
