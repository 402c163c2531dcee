### The commands of a conversation: their help, and what they answer.

## Help

help-intro = a line without a command goes to everyone; // begins a text with a slash
help-messages = Messages
help-people = People
help-program = This program
command-msg = /msg NAME TEXT
command-msg-effect = sends TEXT to NAME only
command-reply = /r TEXT
command-reply-effect = answers the last private message
command-to = /to NAME
command-to-effect = makes lines go to NAME only, or again to everyone
command-me = /me TEXT
command-me-effect = says what you do: /me waves
command-info-effect = shows who has your last message and who has not
command-resend-effect = sends your last message again to those for whom it failed
command-who-effect = lists the users online
command-ignore = /ignore NAME
command-ignore-effect = refuses NAME's messages until you leave; alone, lists names
command-unignore = /unignore NAME
command-unignore-effect = shows messages of NAME again
command-passwd-effect = changes your password
command-clear-effect = clears the screen
command-help-effect = shows this list
command-offline-effect = waits for outcomes, goes offline and ends the program
command-quit-effect = the same as /offline

## Where lines without a command go

notice-lines-to-everyone = lines without a command go to everyone
# $user (String)
notice-lines-to-user = lines without a command go to { $user } only; /to everyone changes that
# $user (String)
notice-lines-to-absent = lines without a command go to { $user } only, who is not online now; /to everyone changes that
# $user (String)
input-recipient-offline = { $user } is not online, so the line was sent to nobody; /to everyone chooses another recipient
input-nothing-to-answer = no private message has arrived that /r could answer; write /msg NAME TEXT

## The last message

# $message (String), an excerpt
# $recipient (String)
# $time (String), a time of day
info-message = { $message } to { $recipient } at { $time }
# $users (String), a list
info-delivered = delivered: { $users }
# $users (String), a list
info-failed = failed: { $users }
# $users (String), a list
info-unconfirmed = unconfirmed, may or may not have it: { $users }
# $users (String), a list
info-outstanding = not known yet: { $users }
# $message (String), an excerpt
# $parts (String) of the sentence, one or more of the three below
notice-resent = { $message }: { $parts }
# $users (String), a list
resent-to = sent again in private to { $users }
# $users (String), a list
resent-not = not sent to { $users }: not online, or too many messages are waiting
# $users (String), a list
resent-unconfirmed = not sent to { $users }, who may have it already
part-separator = { "; " }
input-nothing-sent = you have not sent any message yet
input-nothing-to-resend = your last message has failed for nobody, so it is not sent again; /info shows who has it

## Ignored users

# $user (String)
notice-ignored = messages of { $user } are refused until you leave or write /unignore { $user }; they fail for { $user }
# $user (String)
notice-not-ignored = messages of { $user } are shown again
# $users (String), a list
notice-ignored-users = messages of these users are refused: { $users }
notice-ignored-nobody = messages of all users are shown
# $user (String)
input-not-ignored = { $user } is not ignored; /ignore lists who is
input-ignore-oneself = you cannot ignore yourself; name another user
# $max (Number) of users
input-ignored-full = at most { $max } users can be ignored; /unignore NAME makes room

## The terminal

input-no-screen = there is no terminal with a line editor whose screen could be cleared
# $more (Number) of names that are not shown
completion-more = and { $more } more

## The history

# $file (String)
# $reason (String)
history-unusable = the lines that you type are not remembered in { $file }: { $reason }; --history FILE names another file, --history none remembers nothing
history-not-a-file = it is not a regular file
history-foreign = it contains something else and is left as it is
