### `chat-client`: help, questions, and errors that end it.

## Help

client-about = Sends messages to everyone on a chat server, or to one user
client-after-help =
    A plain line goes to everyone, /msg NAME TEXT to one user. /help lists the commands.

    The password is typed at the terminal or comes from --password-file or the environment variable CHAT_PASSWORD. It is never an argument.

    Every option can also be set by an environment variable or in the file given by --config.

    Exit codes:
      0  every message was delivered
      1  a message failed or stayed unconfirmed, or a line of input was wrong
      2  wrong arguments
      3  could not connect or log in, or the server ended the session
      4  nobody else was online to receive a message, and nothing else failed
     70  a bug ended the program; please report the line on standard error
client-forget = Forget the fingerprint of a server, so that the next connection asks about it again
option-config = A TOML file that sets these options, without the dashes; arguments and the environment take precedence
option-server = The server, or several that share a roster (repeatable, or separated by commas)
argument-known-server = The server to forget
option-user = Your user name [default: asked for at the terminal]
option-register = Create the account first
option-password-file = A file whose first line is the password
option-invitation-file = A file whose first line is the invitation code, for --register [env: CHAT_INVITATION_CODE is the code itself]
option-udp = The address to receive messages on [default: [::]:0]
option-advertise = An address at which others can reach you, instead of those found automatically (repeatable, or separated by commas)
option-reach = Which ways messages may take to others [default: auto]
option-fingerprint = Trust only the server with this fingerprint
option-accept-new = Trust and remember an unknown server without asking
option-ca = Trust servers whose certificate is signed by an authority in this PEM file
option-known-servers = The file that remembers known servers [default: known-servers in the user's data folder]
option-format = The format of the output [default: text]
option-input = The format of the input [default: text]
option-color = When lines are coloured [default: auto]
option-bell = Ring at a private message, or one that names you after @, at a terminal
option-history = The file that remembers what you type at a terminal, except passwords; none remembers nothing [default: history in the user's data folder]
option-stay = Stay online at the end of the input, until a signal: to log what happens, without a terminal

## Questions

ask-user-name = user name:{" "}
# What counts as yes, beside y and yes
answer-yes = yes
ask-password = password:{" "}
ask-current-password = current password:{" "}
ask-new-password = new password:{" "}
ask-new-password-again = repeat new password:{" "}
passwords-differ = the two passwords differ

## What is missing or contradictory

client-no-server = no server is named
hint-server = write --server HOST:PORT
client-no-user = no user name is given
hint-user = write --user NAME
# $count (Number)
# $max (Number)
client-too-many-addresses = --advertise names { $count } addresses; at most { $max } are allowed
# $count (Number)
# $max (Number)
client-too-many-servers = { $count } servers are named; at most { $max } are allowed
client-reach-conflict = --reach relay hides your addresses, and --advertise shows one
hint-reach-conflict = leave one of them out; --reach auto turns off what the environment or a file says
# $file (String)
client-reach-conflict-in-file = { $file } hides your addresses with reach = "relay", and shows one with advertise
hint-reach-conflict-in-file = keep one of the two
client-trust-conflict = --accept-new trusts any server, and --fingerprint and --ca do not
hint-trust-conflict = use one of them; CHAT_ACCEPT_NEW=no turns off --accept-new from the environment or a file
# $file (String)
client-trust-conflict-in-file = { $file } sets more than one of fingerprint, accept-new and ca
hint-trust-conflict-in-file = keep one of them: each is a different way to trust a server
# $server (String)
forget-unknown = { $server } is not a known server, so there is nothing to forget
# $server (String)
forget-done = { $server } is forgotten; the next connection asks about its fingerprint again

## Hints about the connection

hint-key-changed = ask the operator whether the key was changed; `chat-server fingerprint` prints the true one
# $command (String)
hint-forget-key = if it was, `{ $command }` forgets the old key
# $one (String)
# $other (String)
hint-forget-either-key = if one of the keys was changed, `{ $one }` or `{ $other }` forgets the old one; otherwise name only servers that share a roster
hint-untrusted = add --fingerprint HEX if the fingerprint is right, or --accept-new to trust any server
hint-known-servers = name a file that you may write to with --known-servers FILE, or use --fingerprint HEX, which writes none
hint-register = to create an account, add --register
hint-no-register = to log in, omit --register
hint-name-taken = if the account is yours, omit --register
hint-udp = choose another address with --udp IP:PORT
hint-by-fingerprint = without an authority, --fingerprint HEX instead of --ca recognises the server by its key; on the server, `chat-server fingerprint` prints HEX
hint-certificate-time = set the clock of this machine if it is wrong, or ask the operator to renew the certificate
hint-certificate-authority = name the file of the authority that signed it with --ca; if it is the right one, the server's file lacks the intermediate certificates: ask the operator
hint-certificate-host = name the server with --server as its certificate does, or ask the operator for a certificate for this name
hint-certificate-other = ask the operator to replace the certificate
