CREATE TABLE accounts (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, -- AUTOINCREMENT: an id is never used again
  name TEXT NOT NULL,                            -- as typed at registration
  canonical TEXT UNIQUE,                         -- the compared form; NULL once the name was freed
  password_hash TEXT NOT NULL,                   -- a PHC string
  generation BIGINT NOT NULL,
  status INTEGER NOT NULL,                       -- 0 active, 1 disabled, 2 removed
  created_at BIGINT NOT NULL,                    -- this and the other times: Unix milliseconds
  changed_at BIGINT,                             -- when the generation was last raised, if ever
  last_seen BIGINT
);
CREATE INDEX accounts_changed_at ON accounts (changed_at);
