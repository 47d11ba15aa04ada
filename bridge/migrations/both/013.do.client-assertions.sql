-- Assertions that clients have proven themselves by, by a hash of client and `jti`: each is good
-- once. Kept until it has expired, in milliseconds since 1970.
CREATE TABLE client_assertions (
  assertion_hash TEXT NOT NULL PRIMARY KEY,
  expires_at BIGINT NOT NULL
);
