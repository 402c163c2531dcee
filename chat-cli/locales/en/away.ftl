### Being away: `/away`, `/back`, and what others see of it.

# The text has a placeholder.
command-away = /away TEXT
command-away-effect = shows others that you are away; TEXT can be left out
command-back-effect = shows others that you are back
# $user (String)
# $text (String)
user-away = { $user } is away: { $text }
# $user (String)
user-away-silent = { $user } is away
# $user (String)
user-back = { $user } is back

## The state in the list of users

# $text (String)
who-away = away: { $text }
who-away-silent = away
# $away (String), after the row of a user in a list that is not for a terminal
roster-away = , { $away }

## Notices

# $text (String)
notice-away = you are away: { $text }; /back ends that
notice-away-silent = you are away; /back ends that
notice-back = you are back
# $user (String)
# $text (String)
notice-peer-away = { $user } is away: { $text }
# $user (String)
notice-peer-away-silent = { $user } is away

## Errors

# $bytes (Number)
away-too-long = the away text is too long ({ $bytes } bytes); at most 128 bytes are allowed
# $code (String)
away-character = the away text contains the control character U+{ $code }; type one line of plain text
away-unsupported = this server is too old to tell others who is away; ask its operator to update it
