-- When Odoo last said that the user may go on, and its stamp of the user's credentials. Neither is
-- indexed, so that writing them at a refresh stays HOT. Sessions from before are checked at once.
ALTER TABLE sessions ADD COLUMN odoo_checked_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN odoo_stamp TEXT;
