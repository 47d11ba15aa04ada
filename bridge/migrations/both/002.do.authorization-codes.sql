-- An authorization code, by its SHA-256. It stays after its use, so that a second use is noticed.
CREATE TABLE authorization_codes (
  code_hash TEXT NOT NULL PRIMARY KEY,
  sid TEXT NOT NULL,
  client_id TEXT NOT NULL,
  redirect_uri TEXT NOT NULL,
  code_challenge TEXT NOT NULL,
  expires_at BIGINT NOT NULL,
  redeemed_at BIGINT
);
