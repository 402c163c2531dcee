CREATE TABLE accounts (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, -- AUTOINCREMENT: ids are never reused
  name TEXT NOT NULL,                            -- as typed at registration
  canonical TEXT UNIQUE,                         -- the canonical form; NULL after the name was freed
  password_hash TEXT NOT NULL,                   -- a PHC string
  generation BIGINT NOT NULL,
  status INTEGER NOT NULL,                       -- 0 active, 1 disabled, 2 removed
  created_at BIGINT NOT NULL,                    -- all times are Unix milliseconds
  changed_at BIGINT,                             -- when the generation was last raised; NULL if never
  last_seen BIGINT
);
CREATE INDEX accounts_changed_at ON accounts (changed_at);
