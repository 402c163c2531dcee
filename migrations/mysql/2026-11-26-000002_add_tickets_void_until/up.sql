-- Tickets of sessions that began at this time or earlier are void: the user left, or logged in again. NULL if none are.
-- MySQL has no ADD COLUMN IF NOT EXISTS, which a repeated migration needs.
SET @has_column = (
  SELECT COUNT(*) FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'accounts' AND column_name = 'tickets_void_until'
);
SET @change = IF(@has_column, 'DO 0', 'ALTER TABLE accounts ADD COLUMN tickets_void_until BIGINT NULL');
PREPARE change_accounts FROM @change;
EXECUTE change_accounts;
DEALLOCATE PREPARE change_accounts;
