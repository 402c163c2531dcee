-- The skeletons of the user name, which names that look alike have in common. NULL after the name was freed, and if an
-- account with a lower id had one of them when the columns were added. The program fills them, as part of this migration.
ALTER TABLE accounts ADD COLUMN canonical_skeleton TEXT;
ALTER TABLE accounts ADD COLUMN shown_skeleton TEXT;
CREATE UNIQUE INDEX accounts_canonical_skeleton ON accounts (canonical_skeleton);
CREATE UNIQUE INDEX accounts_shown_skeleton ON accounts (shown_skeleton);
