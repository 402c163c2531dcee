### `chat-server`: help, the lines at its start, and errors that end it.

## Help

server-about = Holds the accounts of a chat, knows who is online, and relays messages that find no direct way
server-after-help =
    Without a command, chat-server serves until SIGTERM or SIGINT. On SIGHUP, and for the command reload, it reopens the presence log and reloads --cert and --key. All commands except move work while a server runs.

    Every option can also be set by an environment variable or in the file given by --config. An argument takes precedence over the environment, and the environment over the file.

    Passwords are typed at the terminal or come from --password-file or the environment variable CHAT_PASSWORD. A database URL that contains a password comes from CHAT_DATABASE, --database-file or the configuration file. Neither is ever an argument.

    Exit codes:
      0  success, or stopped on request
      1  the accounts refused the request, or the server had to stop
      2  wrong arguments, or a later version has written to the shared roster: a restart does not help
      3  could not start: address, data folder, certificate or database is unusable, or interrupted;
         for status, reload, invite and user list --online: no server is running
     70  a bug ended the program; please report the line on standard error
# $value (String)
help-heading = { $value }:
help-limits = Limits
server-user = Manage the accounts
server-fingerprint = Print the fingerprint by which clients recognise this server: the SHA-256 of its public key
server-invite = Print the line that a colleague types to join the running server: its address and its fingerprint
server-status = Show the state of the running server
server-reload = Let the running server reopen its presence log, and reload the files of --cert and --key
server-backup = Copy the SQLite database to a new file, consistent as of one moment, also while the server runs
server-move = Copy all accounts into another, empty database, while no server runs
server-user-add = Create an account
server-user-passwd = Set the password of an account and end its session
server-user-disable = Disable an account, so that it cannot log in, and end its session
server-user-enable = Enable a disabled account
server-user-remove = Remove an account permanently and end its session
server-user-purge = List the accounts that nobody has used, or delete them, so that they no longer count against max-accounts
server-user-purge-long = An account is unused if nobody was online with it later than a day after its registration. Disabled accounts stay, and so do removed ones whose names are reserved. The names of deleted accounts can be registered again.
server-user-list = List all accounts: user name, status, creation time, last-seen time

server-option-data-dir = The folder for keys, presence log and database [default: in the user's data folder]
server-option-database = sqlite:PATH or mysql://USER@HOST/DATABASE [env: CHAT_DATABASE] [default: chat.sqlite in the data folder]
server-option-database-file = A file whose first line is the database URL
server-option-roster = The roster that several servers share: redis://HOST, or rediss://HOST?ca=FILE with TLS [env: CHAT_ROSTER] [default: none, the server is alone]
server-option-roster-file = A file whose first line is the URL of the roster
server-option-node-name = The name of this server among those that share its roster, for operators [default: host name and port]
server-option-cert = A certificate chain in a PEM file, instead of the server's self-signed certificate
server-option-key = The private key of that certificate, in a PEM file
server-option-listen = The address to listen on; port 0 lets the system choose [default: 127.0.0.1:7777]
server-option-presence-log = The file that records arrivals and departures [default: presence.log in the data folder]
server-option-presence-log-format = The format of the presence log [default: text]
server-option-metrics = The address that serves /metrics to Prometheus, for example 127.0.0.1:9778 [default: none]
server-option-registration = Who can register an account [default: open]
server-option-trust-observed = Whether connections come directly from the clients' machines; no if a port forwarder, proxy or container engine is in front of the server, so that it sees one address for all [default: yes]
server-option-max-connections = Maximum number of connections, logged in or not [default: 10000]
server-option-max-connections-per-address = Maximum number of connections from one address (IPv6: one /64 network) [default: 256]
server-option-max-guests = Maximum number of connections that have not logged in [default: 2048]
server-option-max-sessions = Maximum number of users online, which is the length of the roster [default: 10000]
server-option-sessions-per-account = Number of sessions that one account may begin together; then one more each 10 s [default: 20]
server-option-max-accounts = Maximum number of accounts, including removed ones [default: 100000]
server-option-registrations-per-hour = Maximum number of registrations per hour [default: 1000]
server-option-registrations-per-address = Maximum number of registrations per hour from one address (IPv6: one /64 network) [default: 200]
server-option-handshake-time = Time limit for a TLS handshake [default: 10]
server-option-login-time = Time limit from the connection to the login, all attempts included [default: 10]
server-option-frames-per-second = Frames per second that a connection may send on average [default: 10]
server-option-frame-burst = Frames that a connection may send in one burst after a pause [default: 40]
server-option-max-password-checks = Maximum number of password checks running or waiting; fewer if they would take more than 10 s. Further clients receive a retry time [default: 1024]
server-option-password-threads = Threads that check passwords, each with 19 MiB of memory [default: number of processors, at most 4]
server-option-relay = Whether the server passes sealed messages on between clients that have no other way to each other [default: on]
server-option-relay-rate = KiB per second that the server relays for one session on average [default: 256]
server-option-relay-burst = KiB that the server relays for one session in one burst after a pause [default: 1024]
server-option-relay-total = KiB per second that the server relays for all sessions together [default: 16384]
server-option-relay-memory = KiB of memory for relayed datagrams whose recipients read slowly; beyond it, datagrams are dropped [default: 65536]
server-option-to = The file to create
server-option-to-database = sqlite:PATH or mysql://USER@HOST/DATABASE [env: CHAT_TO_DATABASE]
server-option-to-database-file = A file whose first line is the URL of that database
server-option-name = The user name
server-option-free-name = Allow the user name to be registered again
server-option-unused-for = Only accounts that were registered longer ago than this, such as 30d
server-option-yes = Delete the accounts instead of listing them
server-option-online = List the sessions online instead: user name, address, time of login
placeholder-url = URL
placeholder-number = NUMBER
placeholder-seconds = SECONDS
placeholder-policy = POLICY
placeholder-days = DAYS
placeholder-yes-no = yes|no
value-open = Anyone
value-invited = Only with the invitation code (CHAT_INVITATION_CODE or `invitation-code`)
value-closed = No one; `chat-server user add` creates accounts

## The lines at the start

# $address (String)
start-listening = listening on { $address }
# $file (String), a folder
start-folder = data folder { $file }
# $fingerprint (String)
start-fingerprint = fingerprint { $fingerprint }
# $address (String)
start-loopback = only programs on this machine can connect; to let others in, start with --listen { $address }
# $address (String)
start-then-reachable = others then connect to { $address }; `chat-server invite` prints the line that they type
# $addresses (String), a list
start-reachable = others connect to { $addresses }; `chat-server invite` prints the line that they type
# $address (String)
start-metrics = metrics at http://{ $address }/metrics
# $count (Number)
lines-dropped = ({ $count } lines were dropped)
certificate-reloaded = certificate reloaded; the fingerprint is the same
# $fingerprint (String)
certificate-reloaded-new-key = certificate reloaded; fingerprint { $fingerprint }
presence-log-reopened = the presence log is reopened before its next line
certificate-new-key = clients that know the previous fingerprint will refuse this server
# $reason (String)
certificate-not-reloaded = the certificate was not reloaded, the previous one stays in use: { $reason }
hint-certificate-not-reloaded = correct the files that the server's --cert and --key name, and reload again

## Listening

# $address (String)
# $reason (String)
listen-refused = cannot listen on { $address }: { $reason }
listen-in-use = the address is in use
# $option (String)
hint-listen-in-use = stop the program that listens there, or choose another port with { $option } IP:PORT
listen-not-available = it is not an address of this machine
# $option (String)
hint-listen-not-available = { $option } [::]:PORT listens on all addresses
listen-permission = the system does not allow it
hint-listen-permission = ports below 1024 need special privileges, and Windows reserves some others; choose another one
# $detail (String)
passwords-not-checked = passwords cannot be checked: { $detail }

## Settings that contradict each other

# $count (Number)
# $max (Number)
limits-connections = max-connections-per-address ({ $count }) exceeds max-connections ({ $max })
hint-limits-connections = raise max-connections or lower max-connections-per-address
# $count (Number)
# $max (Number)
limits-registrations = registrations-per-address ({ $count }) exceeds registrations-per-hour ({ $max })
hint-limits-registrations = raise registrations-per-hour or lower registrations-per-address
# $count (Number)
# $min (Number)
limits-frames = frame-burst ({ $count }) is below frames-per-second ({ $min }); a burst covers at least one second
hint-limits-frames = raise frame-burst or lower frames-per-second
# $count (Number)
# $max (Number)
limits-relay = relay-rate ({ $count }) exceeds relay-total ({ $max })
hint-limits-relay = raise relay-total or lower relay-rate
# $advice (String)
# $file (String)
check-sources-and-file = { $advice }; check the arguments, the environment and { $file }
# $advice (String)
check-sources = { $advice }; check the arguments and the environment
invitation-missing = registration is by invitation, and there is no invitation code
hint-invitation-missing = set the environment variable CHAT_INVITATION_CODE or the key invitation-code of the file
invitation-unused = there is an invitation code, and registration is not by invitation
hint-invitation-unused = write registration = "invited", or remove the code
certificate-without-key = the certificate lacks its private key
key-without-certificate = the private key lacks its certificate
# $option (String)
hint-certificate-pair = name it with { $option } or in the configuration file
hint-own-certificate = without --cert and --key the server makes a key of its own, and clients recognise it by --fingerprint
# $file (String)
two-databases-in-file = { $file } sets both database and database-file
hint-two-databases = remove one of the two keys

## The choice of a database

database-url-in-argument = the database URL holds a password, and other users can see arguments
# $variable (String)
# $option (String)
hint-database-url-in-argument = put it into the environment variable { $variable }, or into a file for { $option }-file
roster-url-in-argument = the roster URL holds a password, and other users can see arguments
# $file (String)
two-rosters-in-file = { $file } sets both roster and roster-file
# $file (String)
# $reason (String)
roster-file-unreadable = the roster file { $file } cannot be read: { $reason }
node-name-rule = the name of a server has 1 to 64 ASCII letters, digits or signs, without spaces
# $value (String), an option, variable or key
roster-url-misplaced = { $value } cannot be used: it holds a roster URL with a password
hint-roster-url-misplaced = put the URL into CHAT_ROSTER, into the key roster of the configuration file, or into a file that --roster-file names
# $value (String), an option, variable or key
database-url-misplaced = { $value } cannot be used: it holds a database URL with a password
hint-database-url-misplaced = put the URL into CHAT_DATABASE, into the key database of the configuration file, or into a file that --database-file names
no-target-database = no database is named to move the accounts to
# $variable (String)
hint-no-target-database = write --to-database URL; put a URL with a password into a file for --to-database-file, or into { $variable }
# $file (String)
# $reason (String)
database-file-unreadable = the database file { $file } cannot be read: { $reason }
# $option (String)
# $reason (String)
database-url-unusable = { $option } cannot be used: { $reason }
# $file (String)
no-database-file = there is no database file { $file }
hint-no-database-file = name the data folder and the database that the server uses
# $value (String), a URL without its password
hint-database-is = the database is { $value }
# $typed (String)
# $min (Number)
# $max (Number)
days-range = { $typed } is not a number of days from { $min } to { $max }; write for example 30d
# $file (String)
# $detail (String) of the system
page-not-written = cannot write { $file }: { $detail }
hint-page-not-written = name a folder that exists and that you can write
