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
from .drawbridge_keys import STORED, StoredKeys
from .res_config_settings import ISSUER, jwks_url

_logger = logging.getLogger(__name__)

#: Bytes of a request of the bridge: a thousand sessions that were ended, by the longest of ids.
MAX_BODY = 96 * 1024

# One statement, so that it costs one way to the database. By subqueries: PostgreSQL plans them
# faster than a join of as many tables.
_LOOK_UP = f"""
    SELECT {STORED},
           (SELECT active FROM res_users WHERE id = %(uid)s),
           EXISTS (SELECT FROM drawbridge_revocation WHERE sid = %(sid)s),
           (SELECT extract(epoch FROM cutoff)::float8 FROM drawbridge_revocation WHERE uid = %(uid)s)
      FROM (SELECT) AS one LEFT JOIN drawbridge_keys ON url = %(url)s"""


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
        cls._drawbridge_verify_assertion()
        return cls._auth_method_none()

    @classmethod
    def _auth_method_drawbridge_keys(cls):
        """The same, for what the bridge says when its keys are others now.

        It may be signed by one that Odoo does not know yet, and strangers must not be able to hold
        that up by invented ones. Nor may they keep all workers waiting for a bridge that hangs.
        """
        request.session.can_save = False
        cls._drawbridge_verify_assertion(cool_down=jwks.PUSH_COOL_DOWN, may_wait=False)
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
        """Check a token, that its user may sign in, and that its session goes on.

        :rtype: access_token.AccessToken
        :raise Refusal: for whatever reason
        """
        claimed = access_token.claimed(token)

        def verify(url, issuer, audience):
            # Before it is known whether the token is good: all that it needs comes in one answer.
            stored, is_active, is_ended, cutoff = cls._drawbridge_look_up(url, claimed)
            find_key = functools.partial(request.env["drawbridge.keys"]._find, url, stored)
            verified = access_token.verify(token, find_key, issuer, audience)
            if verified != claimed or not is_active or cls._drawbridge_is_nobody(verified.uid):
                raise access_token.TokenError("not of an active user")
            if is_ended:
                raise access_token.TokenError("of a session that was ended")
            if cutoff is not None and verified.iat <= cutoff:
                raise access_token.TokenError("issued before its user was put out")
            return verified

        return cls._drawbridge_verified(verify)

    @classmethod
    def _drawbridge_verify_assertion(cls, **finding):
        """Check that the paired bridge made this request.

        :param finding: how a key is looked for, see ``_find`` of ``drawbridge.keys``
        :raise Refusal: for whatever reason
        """
        if (request.httprequest.content_length or 0) > MAX_BODY:
            raise TooLarge()
        keys = request.env["drawbridge.keys"]

        def verify(url, issuer, audience):
            assertion.verify(
                cls._drawbridge_jwt() or "",
                functools.partial(keys._find, url, keys._stored(url), **finding),
                issuer,
                audience,
                method=request.httprequest.method,
                path=request.httprequest.path,
                body=request.httprequest.get_data(),
            )

        cls._drawbridge_verified(verify)

    @classmethod
    def _drawbridge_verified(cls, verify):
        """Give what ``verify`` gives, for the bridge that this database is paired with.

        :param verify: takes the address of the keys, ``issuer`` and ``audience``, raises TokenError
        :raise Refusal: for whatever reason
        """
        parameters = request.env["ir.config_parameter"].sudo()
        issuer = parameters.get_param(ISSUER)
        if not issuer:
            _say_once_that_no_issuer_is_set(request.db)
            raise InvalidToken()
        audience = f"odoo:{parameters.get_param('database.uuid')}"
        try:
            return verify(jwks_url(parameters), issuer, audience)
        except access_token.TokenExpired:
            raise ExpiredToken() from None
        except access_token.TokenError as error:
            ip = request.httprequest.remote_addr
            _logger.info("Refused a token from %s: %s", ip, error)
            raise InvalidToken() from None
        except jwks.KeysUnavailable:
            raise NoKeys(retry_after=jwks.COOL_DOWN) from None

    @classmethod
    def _drawbridge_look_up(cls, url, claimed):
        """Read all that a token's fate depends on.

        By SQL and at every request, so that every worker sees at once what another has written: a
        cache would be flushed as a whole, on all workers, by each session that ends.

        :param str url: of the JWK Set
        :param claimed: what the token claims: an AccessToken, or None
        :return: the :class:`~.drawbridge_keys.StoredKeys`, whether the user is active, whether the
            session was ended, and seconds since 1970 up to which the user's tokens are refused,
            or None
        """
        uid, sid = (claimed.uid, claimed.sid) if claimed else (None, None)
        request.env.cr.execute(_LOOK_UP, {"url": url, "uid": uid, "sid": sid})
        *stored, is_active, is_ended, cutoff = request.env.cr.fetchone()
        return StoredKeys(*stored), is_active, is_ended, cutoff

    @classmethod
    def _drawbridge_is_nobody(cls, uid):
        """Whether this is the id of a user who is not of flesh and blood."""
        return uid in (api.SUPERUSER_ID, *cls._get_public_users())

    @classmethod
    def _drawbridge_is_active_user(cls, uid):
        """Whether this is the id of an active user of flesh and blood."""
        # By SQL, so that it sees an archived user on every worker at once.
        request.env.cr.execute("SELECT active FROM res_users WHERE id = %s", [uid])
        row = request.env.cr.fetchone()
        return row is not None and row[0] and not cls._drawbridge_is_nobody(uid)
