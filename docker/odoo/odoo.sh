#!/bin/sh
# Odoo with its database password in the environment. On the command line, where the image's own
# entrypoint would put it, every user of the machine could read it.
set -eu
PGPASSWORD=$(cat /run/secrets/database-password)
export PGPASSWORD
exec odoo "$@"
