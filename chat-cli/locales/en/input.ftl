### Errors in one line of input. The codes for scripts are in docs/JSON.md.

# $typed (String), a word with its slash
# $advice (String)
input-unknown-command = there is no command { $typed }; { $advice } (// begins a text with a slash)
# $suggestion (String)
did-you-mean = did you mean { $suggestion }?
help-lists-commands = /help lists them
# $usage (String)
input-usage = usage: { $usage }
# $detail (String) of the parser
input-json = the line is not the expected JSON object: { $detail }; write {"{"}"to":"everyone","text":"..."{"}"}
input-json-no-object = it does not begin with {"{"}
input-not-utf8 = the line is not UTF-8; use that encoding
# $max (Number) of bytes
input-line-too-long = the line is longer than { $max } bytes and was skipped; send it in parts
# $max (Number) of bytes
input-terminal-line-too-long = the line was not sent: a terminal without line editing passes on at most { $max } bytes of a line; send it in parts, or from a file
# $user (String)
# $advice (String)
input-unknown-recipient = nobody called { $user } is online; { $advice }
who-lists-users = /who lists who is
input-to-oneself = you cannot send a message to yourself; name another user
input-queue-full = too many messages are waiting to be delivered; try again in a moment
input-session-over = the session has ended; nothing can be sent
# $reason (String)
input-password-not-changed = the password was not changed: { $reason }
# $reason (String)
input-password-uncertain = the password may or may not have changed: { $reason }
input-typed-ahead = a line typed ahead of the passwords was not sent, because it may be one of them; type it again
# $detail (String) of the system
input-broken = cannot read any more input: { $detail }
input-no-terminal = a password must be typed at a terminal, and there is none
