-- A rotation writes no indexed column, so PostgreSQL can put the new row version beside the old one
-- and reuse its place later (HOT): a page that is kept half empty always has room for it.
ALTER TABLE sessions SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
