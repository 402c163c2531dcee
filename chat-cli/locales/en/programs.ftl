### Errors that can end either program.

interrupted = interrupted
# $detail (String) of the system
output-failed = cannot write the output: { $detail }
# $detail (String)
asking-failed = asking failed: { $detail }
# $detail (String) of the system
thread-refused = cannot start a thread: { $detail }
threads-missing = the system does not allow the threads that the program needs
# $detail (String) of the system
runtime-refused = cannot start the program's runtime: { $detail }
hint-threads = raise the limit of processes and threads: `ulimit -u`, TasksMax of a systemd service, --pids-limit of a container
# $detail (String) of the system
signals-refused = signals cannot be handled: { $detail }
no-home = there is no home folder to keep data in
# $option (String)
hint-no-home = name a folder with { $option }
# $variable (String)
# $reason (String)
variable-unusable = { $variable } cannot be used: { $reason }

## Passwords and invitation codes

password-missing = no password is given, and there is no terminal to ask for it
# $variable (String)
hint-password = use --password-file FILE or the environment variable { $variable }
# $file (String)
# $reason (String)
password-file-unreadable = the password file { $file } cannot be read: { $reason }
# $file (String)
# $reason (String)
password-file-unusable = the password file { $file } cannot be used: { $reason }
# $detail (String) of the system
password-not-typed = no password was typed: { $detail }
# $attempts (Number)
# $reason (String), what was wrong with the last one
password-attempts = no password after { $attempts } attempts: { $reason }
# $file (String)
# $reason (String)
invitation-file-unusable = the invitation file { $file } cannot be used: { $reason }

## Text files, after a colon

file-not-utf8 = it is not UTF-8
# $max (Number) of bytes
file-too-large = it is larger than { $max } bytes
# $max (Number) of bytes
file-line-too-long = its first line is longer than { $max } bytes

## Paths, after a colon

path-is-device = Windows reserves this name for a device; choose another name

## The configuration file

# $file (String)
# $reason (String)
config-unreadable = the configuration file { $file } cannot be read: { $reason }
# $file (String)
# $line (Number)
# $problem (String)
config-problem = { $file }, line { $line }: { $problem }
# $key (String)
# $problem (String)
config-key-problem = { $key }: { $problem }
# $key (String)
config-unknown-key = there is no key '{ $key }'
# $keys (String), a list
hint-config-keys = the keys are { $keys }
config-misplaced-roster = there is a roster URL with a password, which only the key roster may have
hint-config-roster = write roster = "URL", with the quotation marks
config-misplaced-url = there is a database URL with a password, which only the key database may have
hint-config-database = write database = "URL", with the quotation marks
config-empty-path = the path is empty; write one, or leave the key out
