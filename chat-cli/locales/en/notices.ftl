### Notices. The code of each is its name without `notice-`; docs/JSON.md lists the codes.

# $reason (String)
notice-ended = the session is over: { $reason }
notice-kicked = the server ended the session: the account was disabled or removed, or its password was changed
notice-new-session = the server no longer had the session, so a new one began
notice-no-relay = this server does not relay, so messages reach only those to whom there is a direct way
notice-no-relay-hidden = this server does not relay, so with --reach relay no message arrives; ask the operator, or leave and use --reach auto, which shows others your addresses
notice-nobody-there = nobody else is online, so nobody received the message
notice-password-changed = the password is changed
# $user (String)
notice-peer-answers = { $user } answers again
# $user (String)
notice-peer-misbehaved = the program of { $user } broke the protocol; nothing is sent to { $user } until { $user } logs in again
# $user (String)
notice-peer-no-address = no address of { $user } can be reached from this machine, and no server relays between you, so messages to { $user } fail; { $user } can name an address with --advertise
# $user (String)
notice-peer-silent = { $user } does not answer, perhaps because of a firewall; still trying
# $users (String), a list
notice-peers-direct = messages to { $users } go straight from machine to machine again
# $users (String), a list
notice-peers-relayed = messages to { $users } go through the server, still sealed: there is no direct way
# $granted (Number) of bytes
# $wanted (Number) of bytes
notice-receive-buffer-small = the UDP receive buffer has { $granted } bytes instead of { $wanted }; to allow more, run: sysctl -w net.core.rmem_max={ $wanted }
notice-reconnected = connected to the server again
# $seconds (String) with one decimal
notice-reconnecting = the connection to the server broke; retrying in { $seconds } s, while messages between users still arrive
notice-replaced = a newer login of this account has replaced this session
# $known (String), a fingerprint
# $shown (String), a fingerprint
notice-server-key-changed = the server presents another key: its fingerprint was { $known } and is now { $shown }; nothing is sent to it; ask the operator (`chat-server fingerprint` prints the true one), and if the key was changed, leave, run `chat-client forget` and log in again
notice-server-stopping = the server is stopping; messages between users still arrive
notice-session-spent = this session has reached its limit of users; log in again to write to users who come online now
notice-waiting = waiting for { $outcomes ->
        [one] { $outcomes } outstanding outcome
       *[other] { $outcomes } outstanding outcomes
    }; Ctrl-C leaves immediately
note-nothing-sent = the input ended before any line, so the client leaves; to stay and show what happens, add --stay
