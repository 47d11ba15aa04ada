import io
import re
from pathlib import Path

import polib

from odoo.tests import TransactionCase, tagged
from odoo.tools.translate import trans_export

FOLDER = Path(__file__).parent.parent / "i18n"
LANGUAGES = {"de": "de_DE", "es": "es_ES", "fr": "fr_FR"}

# What is put in for these must not get lost: %s, %(name)s.
PLACEHOLDERS = re.compile(r"%(?:\(\w+\))?[sd]")


@tagged("post_install", "-at_install")
class TestTranslations(TransactionCase):
    def exported(self):
        """All terms of the addon, as Odoo itself finds them."""
        buffer = io.BytesIO()
        trans_export(None, ["auth_drawbridge"], buffer, "po", self.env)
        return {entry.msgid for entry in polib.pofile(buffer.getvalue().decode())}

    def test_the_template_has_all_terms(self):
        template = polib.pofile(str(FOLDER / "auth_drawbridge.pot"))
        self.assertEqual({entry.msgid for entry in template}, self.exported())

    def test_every_term_is_translated(self):
        terms = self.exported()
        for name in LANGUAGES:
            catalog = polib.pofile(str(FOLDER / f"{name}.po"))
            with self.subTest(name):
                self.assertEqual(catalog.metadata["Language"], name)
                self.assertEqual({entry.msgid for entry in catalog.translated_entries()}, terms)
                self.assertFalse(catalog.fuzzy_entries() + catalog.obsolete_entries())
                for entry in catalog:
                    self.assertEqual(
                        sorted(PLACEHOLDERS.findall(entry.msgstr)),
                        sorted(PLACEHOLDERS.findall(entry.msgid)),
                        entry.msgid,
                    )

    def test_odoo_shows_them(self):
        module = self.env["ir.module.module"].search([("name", "=", "auth_drawbridge")])
        settings = self.env["res.config.settings"]
        for name, code in LANGUAGES.items():
            self.env["res.lang"]._activate_lang(code)
            module._update_translations([code])
            catalog = polib.pofile(str(FOLDER / f"{name}.po"))
            with self.subTest(name):
                field = settings.with_context(lang=code).fields_get(["auth_drawbridge_jwks_url"])
                shown = field["auth_drawbridge_jwks_url"]["string"]
                self.assertEqual(shown, catalog.find("Address of the keys").msgstr)
                self.assertNotEqual(shown, "Address of the keys")
