-- Which of a browser's sessions an app's session was begun from: signing out there ends it. And what
-- an app asked to be told about its user, as JSON (OpenID Connect Core 1.0 section 5.5).
ALTER TABLE sessions ADD COLUMN browser_sid TEXT;
ALTER TABLE sessions ADD COLUMN claims TEXT;
CREATE INDEX sessions_browser_sid ON sessions (browser_sid) WHERE browser_sid IS NOT NULL;

-- What the ID token of a code has to repeat.
ALTER TABLE authorization_codes ADD COLUMN nonce TEXT;

-- Which scopes a user has let an app have. Times are milliseconds since 1970.
CREATE TABLE consents (
  uid BIGINT NOT NULL,
  client_id TEXT NOT NULL,
  scope TEXT NOT NULL,
  granted_at BIGINT NOT NULL,
  PRIMARY KEY (uid, client_id)
);
