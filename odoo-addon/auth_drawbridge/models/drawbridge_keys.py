import contextlib
import logging
from dataclasses import dataclass

from psycopg2.errors import LockNotAvailable, SerializationFailure

from odoo import api, fields, models
from odoo.tools.lru import LRU

from .. import jwks

_logger = logging.getLogger(__name__)

#: What is stored of an address, as :class:`StoredKeys` takes it. Never by now(), which stands still
#: in a transaction; and in UTC, as Odoo stores all times.
STORED = """
    drawbridge_keys.version,
    extract(epoch FROM clock_timestamp() AT TIME ZONE 'UTC' - drawbridge_keys.fetched_at)::float8,
    extract(epoch FROM clock_timestamp() AT TIME ZONE 'UTC' - drawbridge_keys.tried_at)::float8"""

#: Milliseconds to wait for a fetch of another worker: longer than any takes.
LOCK_TIMEOUT = 4 * jwks.TIMEOUT * 1000

# By version. One process may serve many databases: see ``_keys_of``.
_parsed = LRU(64)


@dataclass(frozen=True)
class StoredKeys:
    """What is stored of an address. Times are by the clock of the database alone.

    :param version: of the document; None where there is none
    :param fetched: seconds since the document was fetched; None where there is none
    :param tried: seconds since somebody last tried to fetch it; None if nobody ever has
    """

    version: str | None
    fetched: float | None
    tried: float | None

    def is_younger_than(self, seconds):
        """Whether the document is. One of the future is as old as it is far: clocks are put back."""
        return self.fetched is not None and abs(self.fetched) < seconds

    def was_tried_within(self, seconds):
        """Whether somebody tried to fetch it."""
        return self.tried is not None and abs(self.tried) < seconds


class DrawbridgeKeys(models.Model):
    """The bridge's public keys, fetched by one worker for all of them.

    A request reads by SQL, and so at once what another worker has stored. It never writes on its
    own cursor, which may be one of a replica, or be read-only by the scopes of a token.

    On an upgrade of Odoo: see that ``registry.cursor()`` is still a transaction of its own, on the
    primary, in REPEATABLE READ.
    """

    _name = "drawbridge.keys"
    _description = "Public keys of the bridge"
    _log_access = False

    url = fields.Char(string="Address of the keys", required=True)
    document = fields.Text(string="Keys")
    version = fields.Char()
    fetched_at = fields.Datetime(string="Fetched on")
    tried_at = fields.Datetime(string="Last attempt on", required=True)

    _url_unique = models.Constraint("UNIQUE (url)")

    @api.model
    def _stored(self, url):
        """What is stored of an address.

        :rtype: StoredKeys
        """
        return self._read_stored(self.env.cr, url)

    @api.model
    def _find(self, url, stored, kid, cool_down=jwks.COOL_DOWN, may_wait=True):
        """Give the key of that id, from the database where possible.

        :param str url: of the JWK Set
        :param StoredKeys stored: of that address, read on this cursor
        :param cool_down: seconds in which nothing is fetched after the last attempt
        :param may_wait: whether who has nothing to judge by waits for another worker's fetch
        :rtype: jwks.SigningKey or None
        :raise jwks.KeysUnavailable: nothing to judge by
        """
        keys = self._keys_of(self.env.cr, url, stored.version)
        if kid in keys and stored.is_younger_than(jwks.MAX_AGE):
            return keys[kid]
        if not stored.was_tried_within(cool_down):
            # Who holds a key that may still be trusted does not wait for another's fetch.
            has_key = kid in keys and stored.is_younger_than(jwks.MAX_STALE_AGE)
            # Whoever is the first of all has no row to find locked.
            wait = stored.tried is None or (may_wait and not has_key)
            stored, keys = self._refresh(url, cool_down, wait)
        if not stored.is_younger_than(jwks.MAX_STALE_AGE):
            raise jwks.KeysUnavailable(url)
        return keys.get(kid)

    @api.model
    def _refresh(self, url, cool_down, wait):
        """Fetch the keys, unless somebody has just tried to, and give what is stored then.

        The row is locked for as long as the fetch takes, so there is one at a time. Whoever waited
        for it fails to lock what has changed meanwhile (REPEATABLE READ), and reads it.

        :rtype: tuple of StoredKeys and a dict of str to jwks.SigningKey
        """
        with (
            contextlib.suppress(LockNotAvailable, SerializationFailure),
            self.env.registry.cursor() as cr,
        ):
            if self._claim(cr, url, cool_down, wait):
                self._fetch(cr, url)
        with self.env.registry.cursor() as cr:
            stored = self._read_stored(cr, url)
            return stored, self._keys_of(cr, url, stored.version)

    @api.model
    def _claim(self, cr, url, cool_down, wait):
        # Failing to get the lock is in order: it is none of the errors that Odoo logs.
        if wait:
            cr.execute("SELECT set_config('lock_timeout', %s, true)", [str(LOCK_TIMEOUT)])
        else:
            lock = "SELECT FROM drawbridge_keys WHERE url = %s FOR UPDATE SKIP LOCKED"
            cr.execute(lock, [url], log_exceptions=False)
            if not cr.rowcount:
                return False
        cr.execute(
            """INSERT INTO drawbridge_keys (url, tried_at)
               VALUES (%s, clock_timestamp() AT TIME ZONE 'UTC')
                   ON CONFLICT (url) DO UPDATE SET tried_at = excluded.tried_at
                WHERE abs(extract(epoch FROM excluded.tried_at - drawbridge_keys.tried_at)) >= %s""",
            [url, cool_down],
            log_exceptions=False,
        )
        return bool(cr.rowcount)

    @api.model
    def _fetch(self, cr, url):
        try:
            document = jwks.download(url)
        except jwks.Unreadable as error:
            _logger.warning("Could not fetch the keys at %s: %s", url, error)
            return
        # The time of before the fetch: what came may have been old when it came.
        cr.execute(
            """UPDATE drawbridge_keys SET document = %s, version = %s, fetched_at = tried_at
                WHERE url = %s""",
            [document, jwks.version_of(document), url],
        )

    @api.model
    def _read_stored(self, cr, url):
        cr.execute(f"SELECT {STORED} FROM drawbridge_keys WHERE url = %s", [url])
        return StoredKeys(*(cr.fetchone() or (None, None, None)))

    @api.model
    def _keys_of(self, cr, url, version):
        keys = _parsed.get(version)
        if keys is not None or version is None:
            return keys or {}
        cr.execute(
            "SELECT document FROM drawbridge_keys WHERE url = %s AND version = %s", [url, version]
        )
        (document,) = cr.fetchone() or ("{}",)
        # The memory is that of all databases of this process. Who writes in one of them must not
        # have keys taken for those of another.
        if jwks.version_of(document) != version:
            _logger.error("The stored keys of %s are not what was fetched", url)
            return {}
        keys = _parsed[version] = jwks.parse(document)
        return keys

    @api.autovacuum
    def _gc_keys(self):
        """Forget addresses that nobody has asked for in a day, such as that of a former pairing."""
        self.env.cr.execute(
            """DELETE FROM drawbridge_keys
                WHERE tried_at < clock_timestamp() AT TIME ZONE 'UTC' - interval '1 day'"""
        )
