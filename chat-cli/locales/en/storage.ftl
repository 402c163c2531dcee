### Errors of the libraries that only a server has: its data folder, its keys, its database. The English sentences are
### those of the libraries.

# $problem (String)
# $reason (String), its cause
error-with-cause = { $problem }: { $reason }

## The data folder and the keys

# $file (String), a folder
# $detail (String) of the system
folder-unusable = the data folder { $file } cannot be used: { $detail }
# $file (String), a folder
folder-is-device = the data folder { $file } is a device of the system
# $file (String), a folder
# $count (Number), the id of a user
folder-of-other-user = the data folder { $file } belongs to another user (uid { $count }), whose keys may be in it
# $file (String), a folder
folder-writable-by-everyone = every user can write the data folder { $file }, and the keys in it may belong to another user
# $file (String), a folder
# $detail (String) of the system
folder-not-locked = the data folder { $file } cannot be locked: { $detail }
# $file (String), a folder
# $process (String), a number
folder-in-use-by = the data folder { $file } is in use by another server (process { $process })
# $file (String), a folder
folder-in-use = the data folder { $file } is in use by another server
hint-folder-unusable = choose a folder that you can write to with --data-dir DIR
hint-folder-of-other-user = run this command as that user, or choose a folder of your own with --data-dir DIR
hint-folder-writable-by-everyone = choose another folder with --data-dir DIR, or restrict this one with chmod 700 if all files in it are yours
hint-folder-in-use = stop that server, or choose another folder with --data-dir DIR
# $file (String)
# $detail (String) of the system
key-unreadable = { $file } cannot be read: { $detail }
# $file (String)
# $detail (String) of the system
key-not-written = { $file } cannot be written: { $detail }
# $file (String)
# $detail (String) for developers
key-unusable = { $file } cannot be used: { $detail }
key-not-loaded = the identity was not loaded, because the program is ending
# $other (String), the file of the key
# $file (String), the file of the certificate
key-of-other-certificate = the private key in { $other } does not belong to the certificate in { $file }; name the key that belongs to the certificate
# $detail (String)
certificate-not-created = a certificate could not be created: { $detail }
# $file (String)
# $detail (String) of the system
presence-log-not-opened = the presence log { $file } cannot be opened; name a file that you may write to: { $detail }
# $detail (String) of the system
presence-log-thread-refused = cannot start the thread that writes the presence log: { $detail }

## The URL of the database

# $value (String), a kind of database
# $option (String), a feature of the program
url-not-built-in = this program is built without { $value }; name another database, or build it with the feature { $option } of chat-store
url-kind = unknown kind of database; allowed are sqlite:PATH and mysql://user:password@host[:port]/database (MariaDB too)
url-sqlite-path = the database URL has no file; write sqlite:PATH
url-sqlite-host = the SQLite URL names a host; write sqlite:PATH, with one slash before an absolute path
url-sqlite-memory = an SQLite database in memory cannot keep accounts; write sqlite:PATH
url-sqlite-url = the SQLite URL contains another URL instead of a path; write sqlite:PATH, or the other URL alone
url-sqlite-device = Windows reserves the name of the SQLite file for a device; write sqlite:PATH with another name
url-mysql = the MySQL URL cannot be read; write mysql://user:password@host[:port]/database, with special characters of the password percent-encoded (%40 for @)
url-not-encoded = the MySQL URL has a special character that is not percent-encoded; in the user name and the password write %2F for /, %3F for ?, %23 for # and %25 for %, and write %40 for every @ except the one before the host
# $detail (String)
url-mysql-option = the MySQL URL has an option that is not allowed: { $detail }
url-mysql-database = the MySQL URL names no database; write mysql://user:password@host[:port]/database

## Opening a database

# $file (String)
open-not-created = the database file { $file } cannot be created; name a file in an existing folder that is writable
# $file (String)
open-claim = the lock file { $file }.lock, by which a server claims the database, cannot be used
# $file (String)
open-file = the database file { $file } cannot be used; it must be a writable SQLite database
# $file (String)
open-no-locks = the file system of the database file { $file } has no locks, which SQLite needs; use a folder on a disk of this machine, or MySQL
# $file (String)
open-read-only = the database file { $file } cannot be changed; this needs a file and a folder that are writable
# $file (String)
open-unreadable = the database file { $file } cannot be read; it must be an SQLite database
# $file (String)
open-journal = the newest changes of the database file { $file } are in another file beside it, which cannot be read in a folder that is not writable; copy it with its -wal, -shm and -journal files into a writable folder, and use that copy
# $file (String)
open-not-utf8 = the path { $file } is not valid UTF-8; name another file
# $found (String), the name of a schema
open-newer-schema = the database has the schema { $found }, newer than this program knows; use the newer version of the program, or restore the copy that was made before the change
open-no-schema = the database is empty; start the server with it, or add an account, which creates its tables
open-older-schema = the schema of the database is older than this program; start the server once, which brings it up to date
# $seconds (Number)
open-migration-locked = another program has been preparing the database for { $seconds } s; try again when it is done
open-copy = the database is unchanged, because the copy before the change of its schema failed
open-migration = the schema of the database cannot be brought up to date; this needs all rights on the database
open-names = the user names in the database cannot be read
hash-threads-refused = the threads that check passwords cannot be started

## A MySQL server

# $server (String)
mysql-unreachable = the database server at { $server } does not answer; check that it runs and that its address is right
# $host (String)
mysql-unknown-host = the host '{ $host }' of the database server is unknown; check the host in the URL
# $file (String), a socket
mysql-socket = the socket { $file } of the database server cannot be used; check the path after socket= in the URL, and that the server runs
# $server (String)
# $found (String)
mysql-stranger = what answers at { $server } does not speak MySQL: { $found }; check the host and the port in the URL
stranger-http = it is a web server
stranger-redis = it is a Redis server
stranger-ssh = it is an SSH server
stranger-closes = it ends the connection without a greeting
stranger-other = it is a server of another kind
# $server (String)
mysql-silent = { $server } accepts connections and sends no greeting: a server of another kind, which does not speak MySQL, or a database server that hangs; check the host and the port in the URL
# $server (String)
mysql-tls = cannot make a secure connection to the database server at { $server }; check its certificate, and the file that ca=FILE in the URL names
# $server (String)
mysql-tls-required = the database server at { $server } requires TLS; append ?require_ssl=true to the URL
# $server (String)
# $user (String)
mysql-login = the database server at { $server } refuses the user '{ $user }'; check the user name and the password in the URL, and that their special characters are percent-encoded
# $server (String)
# $user (String)
mysql-login-plain = the database server at { $server } refuses the user '{ $user }'; check the user name and the password in the URL, and that their special characters are percent-encoded; if the server requires TLS, append ?require_ssl=true
# $user (String)
# $server (String)
mysql-locked = the user '{ $user }' of the database server at { $server } is locked; unlock it with ALTER USER .. ACCOUNT UNLOCK
# $user (String)
# $server (String)
mysql-expired = the password of the user '{ $user }' of the database server at { $server } has expired; set a new one with ALTER USER .. IDENTIFIED BY
# $server (String)
mysql-full = the database server at { $server } has reached its limit of connections; close some, or raise the limit (max_connections, max_user_connections)
# $user (String)
# $value (String), the name of a database
mysql-rights = the user '{ $user }' may not use the database '{ $value }'; grant it the rights that the command needs
# $server (String)
# $value (String), the name of a database
mysql-no-database = the server at { $server } has no database '{ $value }'; create it with CREATE DATABASE, or correct the URL
# $server (String)
mysql-refused = the database server at { $server } refuses the connection
# $server (String)
mysql-failed = the connection to the database server at { $server } failed

## The roster that several servers share

roster-url-kind = unknown kind of roster; allowed are redis://[user:password@]host[:port] and rediss://, which uses TLS
roster-url-not-encoded = the roster URL has a special character that is not percent-encoded; in the user name and the password write %2F for /, %3F for ?, %23 for #, %3A for : and %25 for %, and write %40 for every @ except the one before the host
roster-url-host = the roster URL names no host; write redis://[user:password@]host[:port]
roster-url-port = the roster URL has a port that is not a number from 1 to 65535
roster-url-database = the roster URL has a path that is not the number of a database; write redis://host/0, or leave it out
roster-url-option = the roster URL has an unknown option; allowed are room=NAME and ca=FILE
roster-url-room = the room in the roster URL may have 1 to 64 letters from a to z, digits, hyphens and underscores
roster-url-no-ca = rediss:// needs ?ca=FILE: the PEM file of the certificate authorities that may have issued the Redis server's certificate (for public authorities, for example /etc/ssl/certs/ca-certificates.crt)
roster-url-ca-without-tls = the roster URL has ca=FILE, which only rediss:// uses
roster-incompatible = the roster that the servers share has an entry of a later version of this program; update this server too
# $host (String)
redis-unknown-host = the host '{ $host }' of the Redis server is unknown; check the host in the URL
# $server (String)
redis-unreachable = the Redis server at { $server } does not answer; check that it runs and that its address is right
# $server (String)
# $seconds (Number)
redis-silent = the Redis server at { $server } has not answered for { $seconds } s
# $server (String)
# $seconds (Number)
redis-silent-tls = the Redis server at { $server } has not answered the beginning of TLS for { $seconds } s; if this goes on, check that this port of it is the one for TLS
# $server (String)
redis-broken = the connection to the Redis server at { $server } broke
# $server (String)
redis-stranger = what answers at { $server } is no Redis server; check the host, the port, and whether it requires rediss://
# $file (String)
redis-ca-file = the file { $file } of certificate authorities cannot be used; check the path after ca= in the URL
# $server (String)
redis-tls = cannot make a secure connection to the Redis server at { $server }; check its port for TLS, its certificate, and the file that ca=FILE in the URL names
# $server (String)
redis-login = the Redis server at { $server } refuses the login; check the user name and the password in the URL, and that their special characters are percent-encoded
# $server (String)
redis-rights = the Redis server at { $server } does not give its user all rights that a roster needs; see the ACL rule in the manual
# $server (String)
# $found (String), a version
redis-version = the Redis server at { $server } has version { $found }, and a roster needs 6.2 or newer
# $value (String), a room
redis-other-keys = the servers that share the roster '{ $value }' have another ticket.key; copy theirs to this server, or give this group of servers another ?room= in the URL
# $value (String), a room
# $found (String), a form
redis-format = another version of this program keeps the roster '{ $value }' in another form ({ $found }); update all servers that share it
# $server (String)
redis-full = the Redis server at { $server } has reached its limit of memory; raise its maxmemory, or free memory
# $server (String)
redis-read-only = the Redis server at { $server } is a replica and accepts no changes; name the primary in the URL
# $server (String)
redis-cluster = the Redis server at { $server } is a node of a cluster, and the roster belongs to another one; name that one
# $server (String)
# $detail (String), the words of the server
redis-refused = the Redis server at { $server } refuses: { $detail }
# $value (String), a room
# $detail (String)
redis-damaged = the roster '{ $value }' on the Redis server has something that this program did not write: { $detail }

## Queries

query-connection = no connection to the database
query-failed = a query to the database failed
query-timeout = the database does not answer a query
query-stopped = the program is ending
query-hash = a password was not hashed
# $id (Number)
# $detail (String)
query-row = the row of account { $id } is damaged: { $detail }
query-changed = the database cannot be read
query-gone = a registered account is gone
# $seconds (Number)
hash-busy = too many passwords are being checked, try again in { $seconds } s
hash-none = a stored password hash is not an argon2id hash in PHC form
hash-memory = there is not enough memory for a password hash; lower its memory cost
hash-random = the system provides no random numbers
hash-stopped = the threads that check passwords have ended

## Copies

# $file (String)
backup-not-created = the file { $file } cannot be created; name one that does not exist, in a folder that is writable
# $file (String)
backup-failed = the database cannot be copied to { $file }
# $file (String)
backup-no-database = there is no database file { $file }; name the one that the server uses
# $command (String)
backup-mysql = a MySQL database is backed up by its own tools: { $command } > FILE
# $value (String), a URL without its password
move-same-database = source and target are the same database: { $value }
# $value (String), a URL without its password
move-in-use = a server uses { $value }
# $value (String), a URL without its password
# $count (Number)
move-not-empty = { $value } holds accounts already ({ $count }); name an empty database
# $value (String), a URL without its password
move-not-read = the accounts in { $value } cannot be read; nothing was copied
# $value (String), a URL without its password
move-not-written = the accounts cannot be written to { $value }; nothing was copied
# $id (Number)
# $value (String), a URL without its password
move-different = account { $id } is not the same in { $value }; do not use that database, and empty it before the next attempt
