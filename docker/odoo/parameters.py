"""Fed to `odoo shell`, which gives `env`: the settings that depend on where the system runs."""

import os
from pathlib import Path

ADMIN_PASSWORD_SET = "docker.admin_password_set"

parameters = env["ir.config_parameter"]  # noqa: F821
for name, value in {
    "auth_drawbridge.issuer": os.environ["ISSUER"],
    "auth_drawbridge.jwks_url": os.environ["BRIDGE_URL"] + "/.well-known/jwks.json",
    "auth_drawbridge.bridge_url": os.environ["BRIDGE_URL"],
    "web.base.url": os.environ["ODOO_PAGES_URL"],
    # An admin's sign-in would else change it to whatever address it came by.
    "web.base.url.freeze": "True",
}.items():
    parameters.set_param(name, value)

# Without demo data this may come to hold real people's data: nobody signs in as admin/admin.
if os.environ["DEMO_DATA"] != "true" and not parameters.get_param(ADMIN_PASSWORD_SET):
    password = Path("/run/secrets/admin-password").read_text()
    env.ref("base.user_admin").password = password  # noqa: F821
    parameters.set_param(ADMIN_PASSWORD_SET, "True")
env.cr.commit()  # noqa: F821

uuid = parameters.get_param("database.uuid")
Path("/run/odoo/identity.env").write_text(f"ODOO_DATABASE_UUID={uuid}\n")
