### What the client shows during a conversation, except notices and errors.

## Lines of diagnostics

# $sentence (String)
error-line = error: { $sentence }
# $sentence (String)
hint-line = hint: { $sentence }
# $sentence (String)
note-line = note: { $sentence }

## Welcome and presence

# $user (String)
welcome-alone = you are { $user }; nobody else is online
# $user (String)
# $count (Number) of other users
# $names (String), a list of all of them
welcome-among = you are { $user }; { $count } online: { $names }
# $user (String)
# $count (Number) of other users
# $names (String), a list of some of them
# $more (Number) of users that are not in the list
welcome-among-many = you are { $user }; { $count } online: { $names } and { $more } more, /who lists them
# $user (String)
# $address (String)
user-online = { $user } is online at { $address }
# $user (String)
user-online-hidden = { $user } is online and hides the address
# $user (String)
user-offline = { $user } is offline
# $user (String)
user-offline-lost = { $user } is offline: the connection was lost
# $user (String)
user-offline-kicked = { $user } is offline: an operator or a password change ended the session
# $user (String)
user-offline-too-slow = { $user } is offline: the program did not read what the server sent
# $user (String)
# $address (String)
user-replaced = { $user } has logged in again at { $address }
# $user (String)
user-replaced-hidden = { $user } has logged in again and hides the address
# $user (String)
# $address (String)
user-moved = { $user } has moved to { $address }
roster-empty = nobody else is online
# $count (Number) of other users
roster-count = { $count } online
# $user (String)
# $address (String)
# $since (String), a time of day
roster-row = { $user } { $address } since { $since }
# $year (String)
# $month (String) with two digits
# $day (String) with two digits
date-line = --- { $year }-{ $month }-{ $day } ---
# $count (Number) of users
# $names (String), a list
crowd-online = { $count ->
        [one] { $count } user is online
       *[other] { $count } users are online
    }: { $names }
# $count (Number) of users
# $names (String), a list
crowd-offline = { $count ->
        [one] { $count } user is offline
       *[other] { $count } users are offline
    }: { $names }
# $arrived (String), a part of the sentence
# $left (String), a part of the sentence
crowd-both = { $arrived }; { $left }
# $names (String), a list
# $more (Number) of users that are not in the list
some-and-more = { $names } and { $more } more
who-name = name
who-way = way
who-way-host = host
who-way-lan = lan
who-way-routed = routed
who-way-server = server
who-hidden = hidden
who-address = address
who-since = since
who-round-trip = round trip
who-state = state
who-online = online
who-silent = silent
who-no-address = unreachable

## Messages: the recipient, after the name of the sender and an arrow

to-everyone = everyone
to-you = you

## Outcomes

# $delivered (Number) of recipients
# $all (Number) of recipients
summary-delivered = { $delivered } of { $all }
# $delivered (Number) of recipients
# $all (Number) of recipients
# $message (String), an excerpt
summary-not-delivered = delivered to { $delivered } of { $all }: { $message }
# $users (String), a list
summary-failed = ; failed: { $users }
# $users (String), a list
summary-unconfirmed = ; unconfirmed, may or may not have it: { $users }
# $user (String)
# $message (String), an excerpt
# $reason (String)
outcome-failed = { $user } did not receive { $message }: { $reason }
# $user (String)
# $message (String), an excerpt
# $reason (String)
outcome-unconfirmed = { $user } may not have received { $message }: { $reason }
# $text (String), the beginning of a message
excerpt = "{ $text }"
excerpt-forgotten = it
# $user (String)
# $reason (String)
user-with-reason = { $user } ({ $reason })
list-separator = { ", " }
reason-queue-full = queue full
reason-left = left
reason-lost = connection lost
reason-replaced = replaced
reason-timed-out = timed out
reason-leaving = you left
reason-refused = refused
reason-misbehaved = broke the protocol
reason-incompatible = incompatible
reason-no-address = no address of that user can be reached from here
reason-too-many-sessions = has logged in too often; to write to this user, log in again yourself

## Waiting at the end

# $outcomes (Number)
# $seconds (Number)
progress-waiting = waiting for { $outcomes ->
        [one] { $outcomes } outcome
       *[other] { $outcomes } outcomes
    }, at most { $seconds } s more; Ctrl-C leaves immediately
