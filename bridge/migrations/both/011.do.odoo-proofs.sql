-- Proofs of Odoo that were taken and could come again: each is good for one request. Times are
-- milliseconds since 1970.
CREATE TABLE odoo_proofs (
  audience TEXT NOT NULL,
  jti TEXT NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (audience, jti)
);
