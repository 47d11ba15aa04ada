"""Fed to `odoo shell`, which gives `env`: writes an addon's template and merges its translations.

Before it stand `MODULE`, the addon's name, and `LANGUAGES`, a list of their codes.
"""

# ruff: noqa: F821

import io
from pathlib import Path

import polib
from odoo.tools.translate import trans_export

source = Path(f"/mnt/addons/{MODULE}/i18n")
target = Path("/mnt/odoo/i18n")
target.mkdir()

buffer = io.BytesIO()
trans_export(None, [MODULE], buffer, "po", env)
template = polib.pofile(buffer.getvalue().decode())
# A moment in a file makes every export a change.
for moment in ("POT-Creation-Date", "PO-Revision-Date"):
    template.metadata.pop(moment, None)
# Empty, it makes gettext complain.
template.metadata["Content-Transfer-Encoding"] = "8bit"
template.save(str(target / f"{MODULE}.pot"))

for language in LANGUAGES:
    file = source / f"{language}.po"
    catalog = polib.pofile(str(file)) if file.exists() else polib.POFile()
    catalog.metadata = {
        **template.metadata,
        "Language": language,
        "Plural-Forms": "nplurals=2; plural=(n > 1);"
        if language == "fr"
        else "nplurals=2; plural=(n != 1);",
    }
    catalog.header = template.header
    catalog.merge(template)
    for entry in catalog.obsolete_entries():
        catalog.remove(entry)
    catalog.save(str(target / file.name))
