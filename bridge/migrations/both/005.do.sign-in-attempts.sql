-- Failed sign-ins, counted by hashes of login and address. Columns are those of rate-limiter-flexible;
-- `expire` is in milliseconds since 1970.
CREATE TABLE sign_in_attempts (
  key TEXT NOT NULL PRIMARY KEY,
  points BIGINT NOT NULL,
  expire BIGINT
);
