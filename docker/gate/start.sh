#!/bin/sh
# Starts nginx with what only the running system knows: its secrets, its Odoo, its name server.
set -eu
umask 077

. /run/odoo/identity.env
GATE_CREDENTIAL=$(cat /run/secrets/gate-credential)
RESOLVER=$(awk '$1 == "nameserver" { print $2 ~ /:/ ? "[" $2 "]" : $2; exit }' /etc/resolv.conf)
export ODOO_DATABASE_UUID GATE_CREDENTIAL RESOLVER

mkdir -p /mnt/nginx/state /mnt/nginx/temp
/opt/drawbridge/configure.sh >/mnt/nginx/nginx.conf
unset GATE_CREDENTIAL
exec nginx -e stderr -c /mnt/nginx/nginx.conf -g 'daemon off;'
