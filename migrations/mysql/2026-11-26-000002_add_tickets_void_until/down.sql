SET @has_column = (
  SELECT COUNT(*) FROM information_schema.columns
  WHERE table_schema = DATABASE() AND table_name = 'accounts' AND column_name = 'tickets_void_until'
);
SET @change = IF(@has_column, 'ALTER TABLE accounts DROP COLUMN tickets_void_until', 'DO 0');
PREPARE change_accounts FROM @change;
EXECUTE change_accounts;
DEALLOCATE PREPARE change_accounts;
