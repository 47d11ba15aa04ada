#!/bin/sh
# Run once by the postgres image, when it has made its cluster: a database for Odoo and one for
# the bridge, each with an owner that cannot connect to the other.
set -eu

psql --no-psqlrc --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname=postgres <<'SQL'
\set odoo_password `cat /run/secrets/odoo-password`
\set bridge_password `cat /run/secrets/bridge-password`
CREATE ROLE odoo LOGIN PASSWORD :'odoo_password';
CREATE ROLE bridge LOGIN PASSWORD :'bridge_password';
CREATE DATABASE drawbridge OWNER odoo TEMPLATE template0;
CREATE DATABASE bridge OWNER bridge TEMPLATE template0;
REVOKE ALL ON DATABASE drawbridge, bridge FROM PUBLIC;
SQL
