-- The key that an Odoo database signs its events with, as it was first seen (a public JWK), and when
-- a bridge last began to compare the stamps of its users. Times are milliseconds since 1970, by the
-- clock of the database.
CREATE TABLE odoo_pairings (
  audience TEXT NOT NULL PRIMARY KEY,
  event_key TEXT NOT NULL,
  pinned_at BIGINT NOT NULL,
  compared_at BIGINT NOT NULL
);
