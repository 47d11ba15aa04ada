-- a copy of the database must neither accept the tokens of the production system nor tell its
-- bridge of users
DELETE FROM ir_config_parameter
 WHERE key IN (
    'auth_drawbridge.issuer',
    'auth_drawbridge.jwks_url',
    'auth_drawbridge.bridge_url',
    'auth_drawbridge.event_key'
 );
-- nor hand over to it who was just signed in
DELETE FROM drawbridge_code;
DELETE FROM drawbridge_keys;
DELETE FROM drawbridge_revocation;
