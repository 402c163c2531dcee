-- The skeletons of the user name, which names that look alike have in common. NULL after the name was freed, and if an
-- account with a lower id had one of them when the columns were added. The program fills them, as part of this migration.
-- MySQL has no ADD COLUMN IF NOT EXISTS. 672 is the longest skeleton in bytes.
SET @statement = IF(
  EXISTS (
    SELECT 1 FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'accounts' AND column_name = 'canonical_skeleton'
  ),
  'DO 0',
  'ALTER TABLE accounts
    ADD COLUMN canonical_skeleton VARBINARY(672) NULL UNIQUE,
    ADD COLUMN shown_skeleton VARBINARY(672) NULL UNIQUE'
);
PREPARE statement FROM @statement;
EXECUTE statement;
DEALLOCATE PREPARE statement;
