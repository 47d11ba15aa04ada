def uninstall_hook(env):
    """Remove what Odoo would leave behind: system parameters that were set, not installed.

    Without this, a database that installs the addon again would trust its former bridge at once.
    """
    # An underscore stands for any character there.
    env["ir.config_parameter"].search([("key", "=like", r"auth\_drawbridge.%")]).unlink()
