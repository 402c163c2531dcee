### Starting: the questions of `chat-client` at a terminal, and how others find a server.

## The server

start-placeholder-server = SERVER
start-argument-server = The server: its name in the configuration file, or its address [default: asked for at the terminal]
start-ask-server = server, as HOST or HOST:PORT:{" "}
# $last (String), an address
start-ask-server-again = server [{ $last }]:{" "}
# $word (String)
start-no-named-server = there is no server named '{ $word }'
# $word (String)
start-hint-named-server = write its address as HOST:PORT, or give it a name with a table [servers."{ $word }"] in the configuration file
start-two-servers = the server is named twice, with --server and without it

## The fingerprint

# $server (String)
# $first (String), the first half of the digits
# $second (String), the second half of the digits
start-ask-fingerprint =
    This is the first connection to { $server }. Its key has the fingerprint
    {"  "}{ $first }
    {"  "}{ $second }
    Compare it with the true one, which `chat-server fingerprint` prints on the server:
    if they differ, somebody in between wants to read your password.
    Are they the same? [y/n]{" "}
# $server (String)
start-fingerprints-differ = the fingerprints differ, so nothing was sent to { $server }; ask its operator before you try again
start-answer-no = no
start-yes-or-no = please answer y or n
start-not-utf8 = the answer is not UTF-8; use this encoding

## The account

# $last (String), a name
start-ask-name-again = user name [{ $last }]:{" "}
# $user (String)
start-ask-register = There is no account { $user }, or the password is wrong. Is { $user } new? Register it with this password? [y/n]{" "}
# $user (String)
start-name-exists = { $user } exists already, so the password was wrong
start-ask-invitation = invitation code:{" "}
start-ask-try-again = Try again? [y/n]{" "}
start-registered = the account is registered; a line without a command goes to everyone, and /help lists the commands
start-waiting = the server asks to wait; still trying
