#!/bin/sh
# Prints nginx's configuration: that of `npm start`, with the addresses of containers in it.
# TEMPLATE is e2e/stack/nginx/nginx.conf; every other value below comes from the environment.
set -eu

# A name may stand for another container tomorrow, so nginx asks for it again and again.
upstream() { printf 's|server 127\\.0\\.0\\.1:@%s@;|zone %s 64k; server %s resolve;|\n' "$1" "$2" "$3"; }

configuration=$(sed \
  -e '/^user /d' \
  -e "s|^http {|&\n    resolver $RESOLVER valid=10s;|" \
  -e "$(upstream BRIDGE_PORT bridge "$BRIDGE")" \
  -e "$(upstream ODOO_PORT odoo "$ODOO")" \
  -e "s|127\.0\.0\.1:@BRIDGE_PORT@|$BRIDGE|" \
  -e "s|@ODOO_PAGES_PORT@|$ODOO_PAGES_PORT|" \
  -e 's|@GATE_LISTEN@|listen 8080;|' \
  -e 's|@GATE_LISTEN_DEFAULT@|listen 8080 default_server;|' \
  -e 's|@ODOO_LISTEN@|listen 8069;|' \
  -e 's|@ODOO_LISTEN_DEFAULT@|listen 8069 default_server;|' \
  -e "s|@ISSUER@|$ISSUER|" \
  -e "s|@ODOO_DATABASE_UUID@|$ODOO_DATABASE_UUID|" \
  -e "s|@GATE_CREDENTIAL@|$GATE_CREDENTIAL|" \
  -e 's|@LEEWAY@|5|' \
  -e 's|@CORS_ORIGINS@||' \
  -e 's|@SERVER_TIMING@|proxy_hide_header Server-Timing;|' \
  "$TEMPLATE")

# Whatever the template gained since is better missed here than by somebody who signs in.
if printf '%s\n' "$configuration" | grep -n '@[A-Z_]*@\|127\.0\.0\.1:[0-9]*;' >&2; then
  echo "configure.sh does not know the words above of $TEMPLATE" >&2
  exit 1
fi
printf '%s\n' "$configuration"
