{
    "name": "Drawbridge",
    "summary": "Sign in to other apps with Odoo, and accept their access tokens on Odoo's API",
    "version": "19.0.0.4.0",
    "development_status": "Beta",
    "category": "Hidden/Tools",
    "author": "Drawbridge",
    "license": "LGPL-3",
    # base_setup holds the settings page, rpc holds /json/2.
    "depends": ["base_setup", "rpc"],
    "external_dependencies": {
        # Names without versions: Debian's Odoo lacks the library to read versions with.
        "python": ["PyJWT", "cryptography", "requests"],
        "apt": {
            "PyJWT": "python3-jwt",
            "cryptography": "python3-cryptography",
            "requests": "python3-requests",
        },
    },
    "data": ["security/ir.model.access.csv", "views/res_config_settings_views.xml"],
    "images": ["static/description/banner.png"],
    "uninstall_hook": "uninstall_hook",
}
