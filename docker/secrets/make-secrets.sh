#!/bin/sh
# Makes the secrets at the first start, each into the volumes of those who need it, and keeps what
# is there. A secret is guarded by who mounts its volume, not by its file mode: the services run
# as users whose numbers only their images know.
set -eu
cd "${SECRETS_DIR:-/secrets}"

random() { head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n'; }

# keep FILE: writes standard input to a file unless it is there, never half of it.
keep() {
  if [ ! -s "$1" ]; then
    cat >"$1.new"
    chmod 444 "$1.new"
    mv "$1.new" "$1"
    echo "made $1"
  fi
}

random | keep postgres/superuser-password
random | keep postgres/odoo-password
random | keep postgres/bridge-password
keep odoo/database-password <postgres/odoo-password
random | keep odoo/admin-password

# As an environment file, because the bridge takes its database as one URL.
printf 'DATABASE_URL=postgres://bridge:%s@postgres:5432/bridge\n' \
  "$(cat postgres/bridge-password)" | keep bridge/database.env

random | keep gate/gate-credential
keep bridge/gate-credential <gate/gate-credential

# OpenBao wants plain base64 here, without a line break.
head -c 32 /dev/urandom | base64 | tr -d '\n' | keep openbao/seal-key
random | keep openbao/secret-id
keep bridge/secret-id <openbao/secret-id
