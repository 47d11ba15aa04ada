-- One row is one session: one device of one user at one client. Times are milliseconds since 1970.
-- Nothing here lets its reader forge a token: generations are counted, tokens are signed.
CREATE TABLE sessions (
  sid TEXT NOT NULL PRIMARY KEY,
  uid BIGINT NOT NULL,
  client_id TEXT NOT NULL,
  scope TEXT NOT NULL,
  audience TEXT NOT NULL,
  roles TEXT NOT NULL,
  generation BIGINT NOT NULL,
  rotated_at BIGINT NOT NULL,
  late_replays BIGINT NOT NULL,
  late_replay_at BIGINT,
  created_at BIGINT NOT NULL,
  last_seen_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  absolute_expires_at BIGINT NOT NULL,
  revoked_at BIGINT,
  revoked_reason TEXT,
  auth_time BIGINT NOT NULL,
  amr TEXT NOT NULL,
  device TEXT NOT NULL,
  ip TEXT NOT NULL,
  odoo_session TEXT
);
