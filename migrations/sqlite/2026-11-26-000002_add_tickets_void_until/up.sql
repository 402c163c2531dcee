-- Tickets of sessions that began at this time or earlier are void: the user left, or logged in again. NULL if none are.
ALTER TABLE accounts ADD COLUMN tickets_void_until BIGINT;
