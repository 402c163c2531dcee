ALTER TABLE accounts DROP COLUMN tickets_void_until;
