-- VARBINARY: the usual collations treat a and á as equal, all emoji as equal, and ignore trailing spaces.
CREATE TABLE IF NOT EXISTS accounts (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name VARBINARY(128) NOT NULL,          -- as typed at registration: up to 32 characters of 4 bytes
  canonical VARBINARY(128) NULL UNIQUE,  -- the canonical form; NULL after the name was freed
  password_hash VARBINARY(255) NOT NULL, -- a PHC string
  generation BIGINT NOT NULL,
  status INTEGER NOT NULL,               -- 0 active, 1 disabled, 2 removed
  created_at BIGINT NOT NULL,            -- all times are Unix milliseconds
  changed_at BIGINT NULL,                -- when the generation was last raised; NULL if never
  last_seen BIGINT NULL,
  INDEX accounts_changed_at (changed_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
