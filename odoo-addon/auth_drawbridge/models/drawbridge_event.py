import functools

from odoo import api, models

from .. import event
from .drawbridge_sign_out import record

#: Of ``cr.postcommit.data``: an ``event.Subject``. Missing while nothing is queued.
QUEUE = "auth_drawbridge.event"


class DrawbridgeEvent(models.AbstractModel):
    _name = "drawbridge.event"
    _description = "Tells the bridge, after the commit, whose sessions to look at again"

    @api.model
    def _queue(self, uids=(), browsers=()):
        """Have one event sent when this transaction has committed, about all that it changed.

        The bridge does not believe what an event says: it asks for the stamps, and which of the
        sessions were signed out. So one too many user does no harm, and after a rollback there is
        none. Sessions are recorded just before, also where nobody would take an event.

        :param uids: ids of users
        :param browsers: identifiers of sessions of Odoo that were signed out
        """
        postcommit = self.env.cr.postcommit
        if not uids and not browsers:
            return
        if QUEUE not in postcommit.data:
            bridge = self.env["drawbridge.bridge"]._paired()
            if bridge is None and not browsers:
                return
            postcommit.data[QUEUE] = event.Subject()
            registry = self.env.registry
            postcommit.add(functools.partial(_tell_queued, postcommit, registry, bridge))
        postcommit.data[QUEUE].uids.update(uids)
        postcommit.data[QUEUE].browsers.update(browsers)

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


def _tell_queued(postcommit, registry, bridge):
    subject = postcommit.data.pop(QUEUE)
    # First: the bridge asks at once.
    if subject.browsers:
        record(registry, subject.browsers)
    if bridge is not None:
        event.start(subject, bridge)
