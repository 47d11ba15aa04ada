-- Telling clients that a session is over (OpenID Connect Back-Channel Logout 1.0). `logout_at`:
-- null, there is nothing to tell, because the code was not redeemed or because it was told already;
-- 0, to be told as soon as the session is over; else when to try next, by the clock of the database.
ALTER TABLE sessions ADD COLUMN logout_at BIGINT;
ALTER TABLE sessions ADD COLUMN logout_tries BIGINT NOT NULL DEFAULT 0;

-- Sessions of apps from before: which of them had redeemed their code is not on record, but all had
-- that are older than a minute.
UPDATE sessions SET logout_at = 0 WHERE revoked_at IS NULL AND client_id <> 'drawbridge-pwa';

-- What is to be told and nothing else, so that looking for it costs nothing. A rotation writes none
-- of these columns, so its updates stay HOT.
CREATE INDEX sessions_logout ON sessions (logout_at)
  WHERE logout_at > 0 OR (logout_at = 0 AND revoked_at IS NOT NULL);
