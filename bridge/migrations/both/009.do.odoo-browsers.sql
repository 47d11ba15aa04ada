-- Odoo's own session, in the browser that a session was continued from: who signs out of one may
-- want to be signed out of the other. Odoo names it so itself; it opens nothing.
ALTER TABLE sessions ADD COLUMN odoo_browser TEXT;
CREATE INDEX sessions_odoo_browser ON sessions (odoo_browser) WHERE odoo_browser IS NOT NULL;
