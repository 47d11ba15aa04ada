-- Whether the refresh cookie outlives the browser (RFC 6265 section 5.3, persistent-flag). 0: it was
-- begun at a shared computer.
ALTER TABLE sessions ADD COLUMN persistent BIGINT NOT NULL DEFAULT 1;
