import json
from datetime import timedelta

from babel.dates import format_timedelta

from odoo import api, fields, models
from odoo.tools import format_datetime
from odoo.tools.misc import babel_locale_parse

from .. import connection
from .res_config_settings import BRIDGE_URL, CONNECTION, ISSUER, JWKS_URL

#: Seconds of each, the longest first, as babel names them.
_UNITS = {"day": 86400, "hour": 3600, "minute": 60, "second": 1}


class DrawbridgeConnection(models.AbstractModel):
    """The connection test of the settings, and what is kept of its last run.

    What is kept are outcomes and no sentences, so that each reads it in their own language, and the
    page opens without asking the bridge.
    """

    _name = "drawbridge.connection"
    _description = "Tests the connection to the bridge"

    @api.model
    def _test(self):
        """Test the connection that is set, and keep the outcome."""
        bridges = self.env["drawbridge.bridge"]
        # Made where the bridge has not asked for it yet: then it does not know it, and is told so.
        bridges._public_key()
        bridge = bridges._paired()
        parameters = self.env["ir.config_parameter"]
        before = self._last()
        url = parameters.get_param(JWKS_URL) or f"{bridge.audience}/.well-known/jwks.json"
        found = connection.run(bridge, url)
        now = fields.Datetime.to_string(fields.Datetime.now())
        told = found["status"] is not None
        kept = {
            "at": now,
            "of": self._tested(),
            "steps": found["steps"],
            "told": told,
            "status": found["status"] if told else before.get("status"),
            "status_at": now if told else before.get("status_at"),
        }
        parameters.set_param(CONNECTION, json.dumps(kept))

    @api.model
    def _verdict(self):
        """What the last test found, as HTML; False where these settings were not tested."""
        last = self._last()
        if not last:
            return False
        all_right = all(step["outcome"] == "ok" for step in last["steps"])
        values = {
            "all_right": all_right,
            "summary": self._summary(last, all_right),
            "steps": [{**step, "sentence": self._sentence(**step)} for step in last["steps"]],
        }
        return self.env["ir.qweb"]._render("auth_drawbridge.verdict", values)

    @api.model
    def _facts(self):
        """What the bridge last said of itself, as HTML."""
        last = self._last()
        status = last.get("status")
        values = {"status": status}
        if status:
            values |= {
                "stale": not last["told"]
                and self.env._(
                    "The bridge did not answer the last test. This is what it said on %s.",
                    self._time(last["status_at"]),
                ),
                "access": self._duration(status["access_token_ttl"]),
                "idle": self._duration(status["refresh_idle_ttl"]),
                "absolute": self._duration(status["refresh_absolute_ttl"]),
                "role_map": [
                    {"id": group, "group": self._group_name(group), "role": role}
                    for group, role in status["role_map"].items()
                ],
            }
        return self.env["ir.qweb"]._render("auth_drawbridge.facts", values)

    @api.model
    def _summary(self, last, all_right):
        at = self._time(last["at"])
        if all_right:
            version = last["status"]["version"]
            return self.env._(
                "Everything is right: bridge %(version)s, tested on %(at)s", version=version, at=at
            )
        return self.env._("Something is wrong, tested on %s", at)

    @api.model
    def _sentence(self, step, outcome, detail):
        """What a step found, and what to do where it failed."""
        sentences = {
            "reach.ok": self.env._("There is a bridge at %s", detail),
            "reach.unreachable": self.env._(
                "The bridge cannot be reached (%s). See that it runs, and that this server reaches "
                "it at the address of the bridge, or at the issuer where that is empty.",
                detail,
            ),
            "reach.no_bridge": self.env._(
                "Something answers there, but it is no bridge (%s). Correct the address of the "
                "bridge, or the issuer where that is empty.",
                detail,
            ),
            "issuer.ok": self.env._("It is the issuer that is set here"),
            "issuer.skipped": self.env._("Whether it is the issuer that is set here: not tried"),
            "issuer.other": self.env._(
                "The bridge says that it is another issuer: %s. Enter that one here, if it is the "
                "right bridge.",
                detail,
            ),
            "keys.ok": self.env._("Its keys can be fetched: %s", detail),
            "keys.failed": self.env._(
                "Its keys cannot be fetched (%s). Correct the address of the keys.", detail
            ),
            "keys.none": self.env._(
                "There is no usable key at the address of the keys. Correct it."
            ),
            "key.ok": self.env._("It knows the key of this database"),
            "key.skipped": self.env._("Whether it knows the key of this database: not tried"),
            "key.unknown": self.env._(
                "It does not know the key of this database. See that the bridge reaches this Odoo "
                "(ODOO_URL) and has ODOO_DATABASE_UUID=%s, and test again a minute after its "
                "start. If this database has another key than before (it was restored, or paired "
                "anew), have the bridge forget the old one: npm run odoo:unpin.",
                self._uuid(),
            ),
            "key.not_paired": self.env._(
                "The bridge runs without this addon. Start it with ODOO_ADAPTER=addon and "
                "ODOO_DATABASE_UUID=%s.",
                self._uuid(),
            ),
            "key.failed": self.env._("The bridge could not answer (%s). Its log says why.", detail),
            "signature.ok": self.env._("It signs with %s, which is among its keys", detail),
            "signature.skipped": self.env._("Whether it signs with one of its keys: not tried"),
            "signature.other": self.env._(
                "It signs with %s, which is not among the keys that were fetched. Correct the "
                "address of the keys.",
                detail,
            ),
        }
        return sentences[f"{step}.{outcome}"]

    @api.model
    def _uuid(self):
        return self.env["ir.config_parameter"].get_param("database.uuid")

    @api.model
    def _tested(self):
        """What a test is about: with other settings, what it found says nothing."""
        parameters = self.env["ir.config_parameter"]
        return [parameters.get_param(name) or "" for name in (ISSUER, JWKS_URL, BRIDGE_URL)]

    @api.model
    def _last(self):
        kept = json.loads(self.env["ir.config_parameter"].get_param(CONNECTION) or "{}")
        return kept if kept.get("of") == self._tested() else {}

    @api.model
    def _time(self, text):
        return format_datetime(self.env, fields.Datetime.to_datetime(text))

    @api.model
    def _duration(self, seconds):
        """A time as people say it, to the second: "6 days", "1 hour 30 minutes"."""
        locale = babel_locale_parse(self.env.lang or self.env.user.lang)
        parts = []
        for unit, length in _UNITS.items():
            count, seconds = divmod(seconds, length)
            if count:
                # By a bound that is never reached babel stays with this unit.
                delta = timedelta(seconds=count * length)
                parts.append(
                    format_timedelta(delta, granularity=unit, threshold=float("inf"), locale=locale)
                )
        return " ".join(parts)

    @api.model
    def _group_name(self, external_id):
        group = self.env.ref(external_id, raise_if_not_found=False)
        return group.full_name if group and group._name == "res.groups" else ""
