#!/bin/sh
# Brings the database to what this image holds, before Odoo serves: makes it at the first start,
# upgrades the addon later, and writes down who it is for the bridge and the gate.
set -eu
cd /opt/drawbridge

demo=
if [ "$DEMO_DATA" = true ]; then demo=--with-demo; fi

# Modules that are installed already are left alone by --init, hence --update.
./odoo.sh --init=base,web,auth_totp,contacts,rpc,auth_drawbridge --update=auth_drawbridge \
  $demo --stop-after-init --no-http
./odoo.sh shell --no-http --log-level=warn <parameters.py
