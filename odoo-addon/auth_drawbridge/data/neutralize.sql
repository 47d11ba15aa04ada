-- a copy of the database must not accept the tokens of the production system
DELETE FROM ir_config_parameter
 WHERE key IN ('auth_drawbridge.issuer', 'auth_drawbridge.jwks_url');
