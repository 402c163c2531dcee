DROP INDEX accounts_shown_skeleton;
DROP INDEX accounts_canonical_skeleton;
ALTER TABLE accounts DROP COLUMN shown_skeleton;
ALTER TABLE accounts DROP COLUMN canonical_skeleton;
