SET @statement = IF(
  EXISTS (
    SELECT 1 FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'accounts' AND column_name = 'canonical_skeleton'
  ),
  'ALTER TABLE accounts DROP COLUMN canonical_skeleton, DROP COLUMN shown_skeleton',
  'DO 0'
);
PREPARE statement FROM @statement;
EXECUTE statement;
DEALLOCATE PREPARE statement;
