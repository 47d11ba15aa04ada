import functools
import logging
import re

from psycopg2.errors import ReadOnlySqlTransaction

from odoo import api, models
from odoo.exceptions import AccessDenied
from odoo.http import request

from .. import access_token, assertion, browsers, jwks, scopes
from ..exceptions import (
    ExpiredToken,
    InsufficientScope,
    InvalidToken,
    NoKeys,
    Refusal,
    TooLarge,
)
from .res_config_settings import ISSUER, JWKS_URL

_logger = logging.getLogger(__name__)

#: Bytes of a request of the bridge; it sends a login and a password, or a list of ids.
MAX_BODY = 64 * 1024


@functools.cache
def _say_once_that_no_issuer_is_set(dbname):
    _logger.warning("%s has no issuer: every access token is refused. See Settings.", dbname)


class IrHttp(models.AbstractModel):
    _inherit = "ir.http"

    @classmethod
    def _auth_method_bearer(cls):
        """Run the request as the user of an access token; leave API keys to Odoo.

        Nothing is written to the database: on a replica that would run the request twice.

        On an upgrade of Odoo: compare with ``_auth_method_bearer`` of ``base``, how it reads the
        header, what it does about a session of another user and what it does last.
        """
        token = cls._drawbridge_jwt()
        if token is None:
            return super()._auth_method_bearer()
        request.session.can_save = False
        verified = cls._drawbridge_verify(token)
        if request.env.uid and request.env.uid != verified.uid:
            # A cookie came along and is somebody else's: neither of the two is served.
            message = "Session user does not match the access token."
            raise AccessDenied(message)
        request.update_env(user=verified.uid)
        request.drawbridge_scopes = verified.scopes
        if scopes.WRITE not in verified.scopes:
            # The list of reading methods says what may be called; this is what holds if one of
            # them, on some model, writes after all. PostgreSQL lets no statement take it back.
            request.env.cr.execute("SET TRANSACTION READ ONLY")
        return cls._auth_method_user()

    @classmethod
    def _auth_method_drawbridge(cls):
        """Run the request as nobody, if the paired bridge made it.

        An assertion may be used again within its minute: it is good for this one request alone,
        byte by byte, and who repeats it learns what the first answer said.
        """
        request.session.can_save = False
        if (request.httprequest.content_length or 0) > MAX_BODY:
            raise TooLarge()
        cls._drawbridge_verified(
            functools.partial(
                assertion.verify,
                cls._drawbridge_jwt() or "",
                method=request.httprequest.method,
                path=request.httprequest.path,
                body=request.httprequest.get_data(),
            )
        )
        return cls._auth_method_none()

    @classmethod
    def _pre_dispatch(cls, rule, args):
        """Refuse what the token's scopes do not cover, before the controller runs.

        On an upgrade of Odoo: see that ``_serve_ir_http`` in ``odoo/http.py`` still calls this
        after ``_authenticate``, and that ``/json/2`` still names its path arguments ``__model__``
        and ``__method__`` (were they renamed, ``odoo.read`` would do nothing there: closed).
        """
        granted = cls._drawbridge_scopes()
        if granted is not None:
            http_method = request.httprequest.method
            required = scopes.required_scope(rule.endpoint.routing, http_method, args)
            if not scopes.allows(granted, required):
                raise InsufficientScope(required)
        return super()._pre_dispatch(rule, args)

    @classmethod
    def _dispatch(cls, endpoint):
        """Answer an attempt to write under ``odoo.read`` as what it is, a lack of scope.

        On an upgrade of Odoo: see that ``retrying`` in ``odoo/service/model.py`` has nothing left
        to flush after this but what is flushed here.
        """
        granted = cls._drawbridge_scopes()
        if granted is None or scopes.WRITE in granted:
            return super()._dispatch(endpoint)
        try:
            result = super()._dispatch(endpoint)
            request.env.cr.flush()
        except ReadOnlySqlTransaction:
            raise InsufficientScope(scopes.WRITE) from None
        return result

    @classmethod
    def _handle_error(cls, exception):
        """Keep our refusals' tracebacks out of the ``debug`` field of ``/json/2``.

        On an upgrade of Odoo: see ``serialize_exception`` in ``odoo/http.py``.
        """
        if isinstance(exception, Refusal):
            exception = exception.with_traceback(None)
        return super()._handle_error(exception)

    @classmethod
    def _post_logout(cls):
        """Tell the bridge of the end of a session that it got its user from.

        On an upgrade of Odoo: see that ``logout`` of the session in ``odoo/http.py`` still calls
        this before the session is saved: the stored one says what it was until now.
        """
        result = super()._post_logout()
        ended = browsers.handed_off([browsers.identifier_of(request.session)])
        request.env["drawbridge.event"]._queue(browsers=ended)
        return result

    @classmethod
    def _drawbridge_jwt(cls):
        """The JWT in the ``Authorization`` header, or None where there is no such thing."""
        header = request.httprequest.headers.get("Authorization", "")
        match = re.match(r"bearer\s+(.+)$", header, re.IGNORECASE)
        if match and access_token.looks_like_jwt(match[1]):
            return match[1]
        return None

    @classmethod
    def _drawbridge_scopes(cls):
        """The scopes of the token that this request runs by; None if it runs by none."""
        return getattr(request, "drawbridge_scopes", None)

    @classmethod
    def _drawbridge_verify(cls, token):
        """Check a token, and that its user may sign in.

        :rtype: access_token.AccessToken
        :raise Refusal: for whatever reason
        """

        def verify(find_key, issuer, audience):
            verified = access_token.verify(token, find_key, issuer, audience)
            if not cls._drawbridge_is_active_user(verified.uid):
                raise access_token.TokenError("not of an active user")
            return verified

        return cls._drawbridge_verified(verify)

    @classmethod
    def _drawbridge_verified(cls, verify):
        """Give what ``verify`` gives, with the keys of the bridge that this database is paired with.

        :param verify: takes ``find_key``, ``issuer`` and ``audience``, raises TokenError
        :raise Refusal: for whatever reason
        """
        parameters = request.env["ir.config_parameter"].sudo()
        issuer = parameters.get_param(ISSUER)
        if not issuer:
            _say_once_that_no_issuer_is_set(request.db)
            raise InvalidToken()
        url = parameters.get_param(JWKS_URL) or f"{issuer}/.well-known/jwks.json"
        audience = f"odoo:{parameters.get_param('database.uuid')}"
        try:
            return verify(jwks.key_set(url).find, issuer, audience)
        except access_token.TokenExpired:
            raise ExpiredToken() from None
        except access_token.TokenError as error:
            ip = request.httprequest.remote_addr
            _logger.info("Refused a token from %s: %s", ip, error)
            raise InvalidToken() from None
        except jwks.KeysUnavailable:
            raise NoKeys(retry_after=jwks.COOL_DOWN) from None

    @classmethod
    def _drawbridge_is_active_user(cls, uid):
        """Whether this is the id of an active user of flesh and blood."""
        # By SQL and at every request, so that it sees an archived user on every worker at once.
        request.env.cr.execute("SELECT active FROM res_users WHERE id = %s", [uid])
        row = request.env.cr.fetchone()
        is_active = row is not None and row[0]
        return is_active and uid not in (api.SUPERUSER_ID, *cls._get_public_users())
