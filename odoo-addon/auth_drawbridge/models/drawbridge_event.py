import functools

from odoo import api, models

from .. import event
from .res_config_settings import BRIDGE_URL, EVENT_KEY, ISSUER

#: Of ``cr.postcommit.data``: an ``event.Subject``. Missing while nothing is queued.
QUEUE = "auth_drawbridge.event"


class DrawbridgeEvent(models.AbstractModel):
    _name = "drawbridge.event"
    _description = "Tells the bridge, after the commit, whose sessions to look at again"

    @api.model
    def _queue(self, uids=(), browsers=()):
        """Have one event sent when this transaction has committed, about all that it changed.

        The bridge does not believe what an event says: it asks for the stamps, and for the
        sessions that are left. So one too many does no harm, and after a rollback there is none.

        :param uids: ids of users
        :param browsers: identifiers of sessions of Odoo that ended
        """
        postcommit = self.env.cr.postcommit
        if not uids and not browsers:
            return
        if QUEUE not in postcommit.data:
            sender = self._sender()
            if sender is None:
                return
            postcommit.data[QUEUE] = event.Subject()
            postcommit.add(functools.partial(_send_queued, postcommit, sender))
        postcommit.data[QUEUE].uids.update(uids)
        postcommit.data[QUEUE].browsers.update(browsers)

    @api.model
    def _sender(self):
        """What events are sent with; None where there is no bridge that would take them.

        :rtype: event.Sender or None
        """
        # Anybody may be who changes something of a user; none of this is shown to them.
        parameters = self.env["ir.config_parameter"].sudo()
        issuer = parameters.get_param(ISSUER)
        key = issuer and self._read_key()
        if not key:
            return None
        return event.Sender(
            url=(parameters.get_param(BRIDGE_URL) or issuer) + event.PATH,
            issuer=f"odoo:{parameters.get_param('database.uuid')}",
            audience=issuer,
            key=key,
        )

    @api.model
    def _public_key(self):
        """The public JWK that events are verified with. The key is made at the first call.

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
                [EVENT_KEY, event.generate_key(), api.SUPERUSER_ID, api.SUPERUSER_ID],
                # The key of the one that fails is nobody's, and would alarm whoever reads the log.
                log_exceptions=False,
            )
            key = self._read_key()
        return event.public_jwk(key)

    @api.model
    def _read_key(self):
        # By SQL, so that it is in no cache, and does not take the rights of who happens to be here.
        self.env.cr.execute("SELECT value FROM ir_config_parameter WHERE key = %s", [EVENT_KEY])
        row = self.env.cr.fetchone()
        return row and row[0]

    def _register_hook(self):
        """Notice passkeys that come and go other than through their user.

        Passkeys are an addon that may be missing, so there is nothing to inherit from.

        On an upgrade of Odoo: see that passkeys still belong to ``create_uid``.
        """
        super()._register_hook()
        passkeys = self.env.registry.get("auth.passkey.key")
        if passkeys is not None:
            _watch_passkeys(passkeys)


def _watch_passkeys(model):
    original_create, original_unlink = model.create, model.unlink

    @api.model_create_multi
    def create(self, vals_list):
        passkeys = original_create(self, vals_list)
        self.env["drawbridge.event"]._queue(passkeys.create_uid.ids)
        return passkeys

    def unlink(self):
        uids = self.create_uid.ids
        result = original_unlink(self)
        self.env["drawbridge.event"]._queue(uids)
        return result

    model.create, model.unlink = create, unlink


def _send_queued(postcommit, sender):
    event.start(postcommit.data.pop(QUEUE), sender)
