import logging

from odoo import fields, models
from odoo.exceptions import AccessDenied, UserError
from odoo.tools.misc import hmac

from .. import authentication, browsers

_logger = logging.getLogger(__name__)

#: How the password of a sign-in, and the password with a code, are named in ``amr``.
#: @see RFC 8176 section 2
_AMR_PASSWORD = ["pwd"]
_AMR_SECOND_FACTOR = ["pwd", "otp", "mfa"]


class ResUsers(models.Model):
    _inherit = "res.users"

    auth_drawbridge_revision = fields.Integer(
        string="Revision of the stamp",
        help="Counts how often the user was logged out from all devices.",
        groups=fields.NO_ACCESS,
        copy=False,
    )

    def write(self, vals):
        """Tell the bridge of what changes the stamp or the groups.

        On an upgrade of Odoo: see by which fields a user gets groups.
        """
        result = super().write(vals)
        if vals.keys() & {*self._get_session_token_fields(), "active", "group_ids"}:
            self.env["drawbridge.event"]._queue(self.ids)
        return result

    def unlink(self):
        uids = self.ids
        result = super().unlink()
        self.env["drawbridge.event"]._queue(uids)
        return result

    def _set_encrypted_password(self, uid, pw):
        """Tell the bridge of a password that was not written: a rehash, or another addon's."""
        result = super()._set_encrypted_password(uid, pw)
        self.env["drawbridge.event"]._queue([uid])
        return result

    def _action_revoke_all_devices(self):
        """Change the stamp, too: Odoo's own knows nothing of this.

        Ending one device in Odoo changes nothing: it is one of Odoo's own sessions, and none of
        the bridge's.

        On an upgrade of Odoo: see that this is still what the button and the question for the
        password come to.
        """
        result = super()._action_revoke_all_devices()
        for user in self.sudo():
            user.auth_drawbridge_revision += 1
        self.env["drawbridge.event"]._queue(self.ids)
        return result

    def authenticate(self, credential, user_agent_env):
        """Record how somebody began to sign in to a session of Odoo.

        On an upgrade of Odoo: see that ``authenticate`` of the session in ``odoo/http.py`` still
        asks this, and only then says whose session it is.
        """
        auth_info = super().authenticate(credential, user_agent_env)
        session = authentication.session_of(user_agent_env)
        if session is not None:
            if session.pop(browsers.HANDED_OFF, False):
                # Who was signed in here until now is so no more, although nobody signed out.
                ended = [browsers.identifier_of(session)]
                self.env["drawbridge.event"]._queue(browsers=ended)
            authentication.begin(session, auth_info["uid"], auth_info["auth_method"])
        return auth_info

    def _register_hook(self):
        """Notice second factors, and that somebody was asked again.

        Addons that this one does not need (codes, passkeys, LDAP) answer for their own kind of
        credential without a word to those before them. So this stands before all of them.
        """
        result = super()._register_hook()
        model = self.env.registry["res.users"]

        def _check_credentials(self, credential, env):
            auth_info = super(model, self)._check_credentials(credential, env)
            session = authentication.session_of(env)
            if session is not None:
                authentication.go_on(session, self, auth_info)
            return auth_info

        model._check_credentials = _check_credentials
        return result

    def _drawbridge_sign_in(self, login, password, code):
        """Sign somebody in as Odoo's own login page would, second factor included.

        Every refusal is an answer, never an exception: that would undo what Odoo has written to
        count failures.

        On an upgrade of Odoo: compare with ``authenticate`` and ``finalize`` of the session in
        ``odoo/http.py``, and with ``web_totp`` in ``auth_totp/controllers/home.py``.

        :param str login:
        :param str password:
        :param code: of the second factor, as it was typed, or None
        :return: ``outcome``, and with ``identity`` the profile and ``amr``
        :rtype: dict
        """
        try:
            user, second_factor = self._drawbridge_check_password(login, password, code)
        except AccessDenied:
            return {"outcome": "denied"}
        if second_factor is None:
            return user._drawbridge_identity(_AMR_PASSWORD)
        if code is None:
            if second_factor == "totp_mail":
                user._drawbridge_send_code()
            return {"outcome": "second_factor_required", "method": second_factor}
        if not user._drawbridge_check_code(second_factor, code):
            return {"outcome": "second_factor_denied"}
        return user._drawbridge_identity(_AMR_SECOND_FACTOR)

    def _drawbridge_check_password(self, login, password, code):
        """Find whose login and password these are, and which second factor is due, or None.

        :raise AccessDenied: nobody's, an API key in place of the password, or too many failures
        """
        credential = {"type": "password", "login": login, "password": password}
        with self.env.cr.savepoint() as savepoint:
            # Without ``base_location``: with it, the login of an administrator would move
            # ``web.base.url`` to the address by which the bridge reaches Odoo.
            info = self.authenticate(credential, {"interactive": True})
            user = self.with_user(info["uid"]).browse(info["uid"])
            is_due = info.get("mfa") != "skip" and user._mfa_url()
            second_factor = user._mfa_type() if is_due else None
            if second_factor == "totp_mail" and code is not None:
                # The code that was sent hangs on the time of the last login, and this one is only
                # half of one. Failures are counted in memory: they stay counted.
                savepoint.rollback()
        return user, second_factor

    def _drawbridge_check_code(self, second_factor, code):
        """Whether ``code`` is the user's, by Odoo's own rules: a few tries an hour, each code once."""
        try:
            token = int("".join(code.split()))
        except ValueError:
            return False
        credential = {"type": second_factor, "token": token}
        try:
            with self._assert_can_auth(user=self.id):
                self._check_credentials(credential, {"interactive": True})
        except AccessDenied:
            return False
        if second_factor == "totp_mail":
            self._update_last_login()
        return True

    def _drawbridge_send_code(self):
        """Send the code by e-mail, as far as Odoo's own limits allow."""
        # The code hangs on the time of the login that was written just before.
        self.env.flush_all()
        self.env.invalidate_all()
        try:
            with self.env.cr.savepoint():
                self._send_totp_mail_code()
        except (AccessDenied, UserError) as error:
            _logger.info("No code was sent to user %s: %s", self.id, error)
        # Whatever the mail server trips over: the password was right, and the answer is the same.
        except Exception:  # noqa: BLE001 pylint: disable=broad-except
            _logger.exception("The code for user %s could not be sent", self.id)

    def _drawbridge_identity(self, amr):
        return {"outcome": "identity", "amr": amr, **self._drawbridge_profile()}

    def _drawbridge_profile(self):
        """What the bridge knows of a user; of one who may not sign in, only that.

        :rtype: dict
        """
        self.ensure_one()
        if not self.env["ir.http"]._drawbridge_is_active_user(self.id):
            return {"uid": self.id, "active": False}
        user = self.with_user(self.id).sudo()
        external_ids = user.all_group_ids.get_external_id()
        return {
            "uid": user.id,
            "active": True,
            "login": user.login,
            "name": user.name,
            "email": user.email or None,
            "lang": user.lang or None,
            "tz": user.tz or None,
            "groups": sorted(filter(None, external_ids.values())),
            "company": user.company_id.id,
            "companies": [{"id": each.id, "name": each.name} for each in user.company_ids],
            "stamp": user._drawbridge_stamp(),
        }

    def _drawbridge_stamp(self):
        """A value that changes with the password, login, second factor and passkeys of the user.

        It covers what Odoo binds its own sessions to, and "log out from all devices", and tells
        nothing of it.

        :rtype: str
        """
        self.ensure_one()
        # What was written but not flushed is not in the database yet, which is where this reads.
        self.env.flush_all()
        user = self.sudo()
        values = user._session_token_get_values()
        revision = user.auth_drawbridge_revision
        if revision:
            # Only then: a field that is new must not sign everybody out.
            values = (values, revision)
        return hmac(self.env(su=True), "auth_drawbridge.stamp", values)
