-- What gates have to refuse, in the order in which it was recorded. Live sessions are not in the
-- index: they cost it nothing, and their rotations, which write neither column, stay HOT.
CREATE INDEX sessions_revoked ON sessions (revoked_at, sid) WHERE revoked_at IS NOT NULL;

-- Up to when (cutoff_at, by the clock of the bridge, as `iat`) a user's tokens are refused, and when
-- that was recorded (by the clock of the database, as sessions.revoked_at).
CREATE TABLE user_cutoffs (
  uid BIGINT NOT NULL PRIMARY KEY,
  cutoff_at BIGINT NOT NULL,
  recorded_at BIGINT NOT NULL
);
CREATE INDEX user_cutoffs_recorded ON user_cutoffs (recorded_at, uid);
