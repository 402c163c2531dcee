### The commands of operators: accounts, the state of the server, copies of the database.

## Accounts

# $user (String)
user-registered = { $user } is registered
# $user (String)
user-new-password = { $user } has a new password; its session ends within seconds
# $user (String)
user-may-log-in = { $user } may log in
# $user (String)
user-disabled = { $user } may no longer log in; its session ends within seconds
# $user (String)
user-removed = { $user } is removed and its name stays reserved; its session ends within seconds
# $user (String)
user-removed-and-freed = { $user } is removed and its name is free; its session ends within seconds
# $user (String)
user-name-taken = the user name { $user } is taken, or looks like one that is
hint-user-name-taken = if a removed account reserves it, `chat-server user remove NAME --free-name` frees it
# $user (String)
user-unknown = there is no account with the name { $user }
hint-user-unknown = `chat-server user list` shows all accounts
# $detail (String)
database-failed = the database failed: { $detail }
purge-nothing = no account is unused
# $count (Number)
purge-found =
    { $count ->
        [one] { $count } unused account; nothing is deleted without --yes
       *[other] { $count } unused accounts; nothing is deleted without --yes
    }
# $count (Number)
purge-deleted =
    { $count ->
        [one] { $count } unused account deleted
       *[other] { $count } unused accounts deleted
    }
column-user = user
column-status = status
column-created = created
column-last-seen = last seen
column-address = address
column-since = since
account-active = active
account-disabled = disabled
account-removed = removed
account-never-seen = never
# $file (String)
note-new-database = there was no database file { $file }; a new one is created
# $file (String), a folder
note-new-key = { $file } contained no key; created a new one
# $user (String)
# $id (Number)
# $other (String), a user name
note-looks-like = { $user } (account { $id }) looks like { $other }
# $user (String)
# $id (Number)
# $reason (String)
note-invalid-name = '{ $user }' (account { $id }) is no longer a valid user name, so its owner cannot log in: { $reason }; create another account for them with `chat-server user add NAME`

account-wrong-credentials = wrong user name or password
account-is-disabled = the account is disabled
account-none = no such account
account-name-taken = that user name is taken, or looks like one that is taken
accounts-full = the limit of accounts is reached
# $seconds (Number)
accounts-busy = busy, try again in { $seconds } s
accounts-unavailable = the storage is unavailable

## The state of the server

status-program = chat-server
# $version (String)
# $process (String), a number
# $state (String)
status-program-line = { $version }, process { $process }, { $state }
state-starting = starting
state-serving = serving
state-stopping = stopping
status-since = since
# $since (String), a time
# $span (String)
status-since-line = { $since } ({ $span })
# $count (Number)
span-seconds = { $count } s
# $count (Number)
span-minutes = { $count } min
# $hours (Number)
# $minutes (Number)
span-hours = { $hours } h { $minutes } min
# $days (Number)
# $hours (Number)
span-days = { $days } d { $hours } h
status-listening = listening on
status-fingerprint = fingerprint
status-database = database
status-online = online
# $count (Number)
# $more (Number)
status-online-reconnecting = { $count }, and { $more } reconnecting
status-connections = connections
# $count (Number)
# $max (Number)
status-connections-line = { $count } of at most { $max }
status-logins = logins
# $count (Number)
# $resumed (Number)
# $fresh (Number)
status-logins-line = { $count } by password, { $resumed } resumed, { $fresh } fresh by ticket
status-no-logins = none yet
# $median (String)
# $rare (String)
status-login-times = median { $median }, 99th percentile { $rare }
# $count (String), a number
time-millis = { $count } ms
time-over-ten-seconds = over 10 s
status-refused = refused
status-checks = password checks
# $count (Number)
# $more (Number)
status-checks-line = { $count } running, { $more } waiting
status-frames = frames
# $count (Number)
# $incoming (String), bytes
# $more (Number)
# $outgoing (String), bytes
status-frames-line = { $count } in ({ $incoming }), { $more } out ({ $outgoing })
status-relay = relay
# $count (Number), sessions
# $more (Number), datagrams
# $outgoing (String), bytes
# $dropped (Number), datagrams
status-relay-line = { $count } sessions, { $more } datagrams passed on ({ $outgoing }), { $dropped } dropped
status-relay-off = off
status-shared = shared roster
# $value (String), a URL without its password
# $state (String)
# $position (String), a number
# $count (Number)
status-shared-line = { $value }: { $state }, position { $position }, { $count } behind
shared-ready = ready
shared-entering = entering
shared-away = away, nobody else can log in
shared-incompatible = of a later version
status-nodes = servers
# $count (Number)
# $names (String)
# $value (String), a name
status-nodes-line = { $count }: { $names }; this one is { $value }
status-sessions = sessions
# $count (Number)
# $more (Number)
status-sessions-line = { $count } here, { $more } in all
status-problems = problems
status-none = none
# $count (Number)
problem-too-slow = { $count } clients disconnected as too slow
# $count (Number)
problem-handshakes = { $count } failed handshakes
# $count (Number)
problem-accept = { $count } connections that could not be accepted
# $count (Number)
problem-presence-log = { $count } lines missing from the presence log
# $count (Number)
# $reason (String)
refused-count = { $count } { $reason }
refused-wrong-credentials = wrong credentials
refused-disabled = disabled
refused-name-taken = name taken
refused-registration-closed = registration closed
refused-not-invited = not invited
refused-registrations = registrations
refused-accounts-full = accounts full
refused-busy = busy
refused-throttled = throttled
refused-storage-unavailable = storage unavailable
refused-ticket-refused = ticket refused
refused-full = full
refused-too-late = too late
refused-too-many-requests = too many requests
refused-other = other

## Asking the running server

# $file (String), a folder
no-server-runs = no server runs with the data folder { $file }
hint-no-server-runs = start the server, or name its data folder with --data-dir DIR
# $file (String), a folder
server-of-other-user = another user runs the server of { $file }
hint-server-of-other-user = run this command as that user or as root (on Windows: as an administrator)
# $file (String), a folder
# $detail (String) of the system
server-unreachable = the server of { $file } cannot be reached: { $detail }
# $file (String), a folder
# $seconds (Number)
server-silent = the server of { $file } did not answer within { $seconds } s
# $file (String), a folder
server-not-understood = the server of { $file } gave an answer that this program does not understand
hint-server-not-understood = use the chat-server of the same version, as the user who runs the server or as root (on Windows: as an administrator)

## Invitations

# $address (String), such as [::]:7777
invite-only-here = the line works on this machine only; to let others in, start the server with --listen { $address }
# $addresses (String), a list
invite-other-addresses = this machine has other addresses too: { $addresses }
invite-forwarder = clients connect to the forwarder in front of this server; write its address in place of the one in the line
# $address (String), such as [fe80::1%eth0]
invite-zone = the address is link-local; the colleague adds the network interface of their own machine, as in { $address }
# $code (String), the invitation code
invite-code = the client asks for the invitation code, which is { $code }
invite-closed = registration is closed; create the account first: chat-server user add NAME
invite-no-address = this machine has no address at which others could reach the server
hint-invite-no-address = connect the machine to a network

## Copies of the database

# $value (String), a URL without its password
# $file (String)
backup-done = { $value } is copied to { $file }
hint-backup-mysql = the command asks for the password; `mariadb ... DATABASE < FILE` restores the copy
# $file (String)
backup-file-exists = the file { $file } exists already
hint-backup-file-exists = name a file that does not exist: existing files are not overwritten
# $count (Number)
# $value (String), a URL without its password
move-done =
    { $count ->
        [one] copied { $count } account to { $value } and verified it
       *[other] copied { $count } accounts to { $value } and verified them
    }
# $other (String), a URL without its password
# $value (String), a URL without its password
move-next = { $other } is unchanged; configure { $value } as the database before you start the server again
# $file (String), a folder
# $detail (String) of the system
note-folder-not-locked = the data folder { $file } cannot be locked; make sure that no server uses it until its accounts are copied: { $detail }
hint-move-same = name another, empty database
hint-move-in-use = stop the server first: accounts that are registered during the transfer would be lost

## The presence log

server-log = Show the presence log, in either format
server-option-log-user = Only the records about this user
server-option-since = Only the records from this time on: 2026-11-23, '2026-11-23 04:28', 04:28, 2026-11-23T04:28:00Z, or 2h for the last two hours
server-option-follow = Wait for further records, also after the log was rotated
placeholder-time = TIME
since-form = write a time such as 2026-11-23, '2026-11-23 04:28', 04:28, 2026-11-23T04:28:00Z, or 30m, 2h or 7d before now
# $file (String)
log-missing = there is no presence log { $file }
hint-log-missing = name the data folder of the server with --data-dir DIR, or its presence log with --presence-log FILE
# $file (String)
# $detail (String) of the system
log-unreadable = the presence log { $file } cannot be read: { $detail }
# $count (Number)
# $file (String)
note-log-skipped =
    { $count ->
        [one] { $count } line of { $file } is not a record and is left out
       *[other] { $count } lines of { $file } are not records and are left out
    }
# $file (String)
note-log-incomplete = the last line of { $file } is incomplete and is left out
# $user (String)
# $advice (String)
note-log-nobody = no record is about { $user }; { $advice }
log-nobody-similar = check the name, and the time of --since

## The effective settings

server-config = Show the effective value of each setting, and where it comes from
column-setting = setting
column-value = value
column-source = source
# $option (String)
source-argument = argument { $option }
# $variable (String)
source-environment = environment variable { $variable }
# $file (String)
source-file = file { $file }
# $key (String)
source-setting = the setting { $key }
source-default = default

## Importing accounts

server-user-import = Create the accounts of a file, all of them or none
server-user-import-long = Each line of the file is a user name, a space, and a password or its argon2id hash in PHC form ($argon2id$...). Empty lines and lines that begin with # are left out.
server-option-import-file = The file with a user name and a password, or a hash, in each line
# $file (String)
# $reason (String)
import-unreadable = the file { $file } cannot be read: { $reason }
# $file (String)
note-import-readable = every user of this machine can read the passwords in { $file }; restrict it with chmod 600, or delete it after the import
import-no-password = a line needs a name and a password, with a space in between
import-bad-hash = the hash is not an argon2id hash in PHC form, such as $argon2id$v=19$m=19456,t=2,p=1$SALT$HASH
# $line (Number)
import-same-name = the name is that of line { $line }, or looks like it
# $line (Number)
# $reason (String)
import-bad-line = line { $line }: { $reason }
# $line (Number)
# $user (String)
# $reason (String)
import-bad-user = line { $line }, { $user }: { $reason }
# $count (Number)
# $file (String)
import-refused =
    { $count ->
        [one] { $count } line of { $file } is wrong, so nothing was imported
       *[other] { $count } lines of { $file } are wrong, so nothing was imported
    }
hint-import-refused = correct or remove these lines, and import the file again
# $line (Number)
# $user (String)
import-with-password = line { $line }: { $user } is registered
# $line (Number)
# $user (String)
import-with-hash = line { $line }: { $user } is registered with the given hash
# $count (Number)
import-done =
    { $count ->
        [one] { $count } account imported
       *[other] { $count } accounts imported
    }
# $count (Number)
# $max (Number)
import-full = with these accounts there would be { $count } accounts; at most { $max } are allowed
import-taken = user names are taken, or look like names that are
import-not-written = the accounts cannot be written; nothing was imported

## Progress

progress-hashing = hashing passwords
progress-writing-accounts = writing the accounts
progress-opening = opening the database
progress-backup = copying the database
progress-move = copying and verifying the accounts
