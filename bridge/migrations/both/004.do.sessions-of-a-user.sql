-- For "my devices". A rotation writes neither column, so its updates stay HOT.
CREATE INDEX sessions_uid ON sessions (uid);
