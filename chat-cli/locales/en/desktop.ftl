### The windows of chat-desktop.

## Titles, buttons and fields

window-title = Chat
# $user (String)
window-title-user = { $user } · Chat
window-about = Chat in a window. It shares the configuration file, the known servers and the last logins of chat-client.
window-log-in = Log in
window-register = Register
window-new-account = New account…
window-have-account = Log in instead
window-server = Server
window-server-hint = 192.168.1.7, or paste the invitation
window-known-servers = Known servers
window-user = User name
window-password = Password
window-password-again = Repeat password
window-invitation = Invitation code
window-invitation-hint = if the operator gave you one
window-show-password = Show the password (Alt+F8)
window-more = Advanced
window-own-address = Local address
window-own-address-hint = automatic, or an IP address
# $typed (String)
window-own-address-wrong = “{ $typed }” is not an IP address; leave it empty, or write one such as 192.168.1.5
window-own-port = Local port
window-own-port-hint = automatic
window-advertised = Advertised address
window-advertised-hint = automatic, or IP[:port]
window-reach = Message route
window-reach-auto = Directly, or through the server if there is no direct way
window-reach-direct = Only directly
window-reach-relay = Only through the server, so that nobody learns your address
window-no-relay-hidden = this server does not relay, so no message arrives while messages travel only through the server; ask the operator, or log out and choose another message route under “Advanced”, which shows others your addresses
# $user (String)
window-peer-no-address = no address of { $user } can be reached from this machine, and no server relays between you, so messages to { $user } fail; { $user } can name an address under “Advanced” before the login
window-server-trust = Fingerprint or certificate
window-server-trust-hint = ask me, or a fingerprint, or a CA file
window-server-trust-wrong = this is neither a fingerprint (64 hexadecimal digits) nor the path of a file with the certificate of an authority
# $server (String)
window-connecting = Connecting to { $server }…
window-cancel = Cancel
# $seconds (Number)
window-wait = Try again in { $seconds } s
# $minutes (Number)
window-wait-minutes = Try again in { $minutes } min
window-copy = Copy
window-back = Back
window-close = Close
window-clear = Clear
window-help = Help
window-help-explained = Keys and marks (F1)
window-key-send = send
window-key-break = begin a new line
window-key-last = bring back the last text, in an empty field
window-key-mention = complete a name after @, to everyone
window-key-find = find a person
window-key-unread = open the next conversation with new messages
window-key-close = close a panel
window-key-zoom = larger, smaller, or normal text
window-key-help = open or close this help
window-key-move = move between fields, buttons and messages
window-key-copy = copy what is selected, or the message with the focus
window-help-marks = Status of your messages
window-mark-means-failed = certainly not delivered
window-mark-means-unconfirmed = unconfirmed: may or may not have arrived
window-help-marks-more = Click a mark to see who has the message.
window-help-composing = Fcitx on X11 shows what you are composing in a window of its own, beside the field.
window-settings = Settings
window-settings-explained = Language, appearance, alerts, password and known servers
window-language = Language
window-attention = Alerts while this window is inactive
window-attention-all = For every message
window-attention-private = For private messages
window-attention-none = Never
window-theme = Appearance
window-theme-system = Follow system
window-theme-light = Light
window-theme-dark = Dark
window-text-size = Text size
window-smaller = Smaller text
window-larger = Larger text
window-send-key = Sending
window-send-key-enter = Enter sends, Shift+Enter begins a new line
window-send-key-control = Ctrl+Enter sends, Enter begins a new line
window-change-password = Change password
window-old-password = Current password
window-new-password = New password
# $reason (String) of the system
window-not-saved = the settings are not saved: { $reason }
window-no-known-servers = None yet
window-forget = Forget
# $server (String)
window-forget-server = Forget { $server }
window-forget-explained = A server that was forgotten shows its fingerprint again before the next log-in.
window-addresses = Addresses
# $server (String)
window-address-of-server = Server: { $server }
# $addresses (String)
window-addresses-own = Messages to you arrive at { $addresses } (UDP)
window-log-file = Log file
window-log-file-explained = The log has warnings and errors of this program. If something does not work, send it to the person who helps you. It never contains messages.
window-no-log-file = There is none: the file cannot be written. Standard error has the log.
window-notices = Notices
window-no-notices = There are no notices
window-notices-explained = Events besides the messages, such as a lost connection

## The key of a server

# $server (String)
window-first-meeting = First connection to { $server }
window-compare = Compare this fingerprint with the one that the operator of the server gives you. The window of the server shows it, and “chat-server fingerprint” prints it. If they differ, somebody in between wants to read your password.
window-same = They are the same: remember it
window-different = They differ: disconnect
# $server (String)
window-key-changed = The key of { $server } has changed
window-key-was = Previous fingerprint
window-key-is = Current fingerprint
window-key-advice = Either the operator has changed the key, or somebody intercepts the connection. Nothing was sent to it. Ask the operator; only if the key was changed on purpose, forget the old one and compare the new one.
window-forget-key = Forget the old fingerprint

## People and conversations

window-everyone = Everyone
# $count (Number) of other users
window-everyone-online = Everyone · { $count } online
# $count (Number) of other users
window-online = Online · { $count }
window-offline = Offline
window-state-unknown = Online when the session ended
window-search = Find a person
# $typed (String)
window-nobody-found = No name contains “{ $typed }”
window-write-everyone = Message to everyone
# $user (String)
window-write-user = Message to { $user }
window-send = Send
# $bytes (Number) of the draft
# $max (Number)
window-bytes = { $bytes } of { $max } bytes
# $bytes (Number)
window-binary = { $bytes } bytes that are not a text
# $user (String)
window-user-absent = { $user } is not online, so nobody would receive a message. Your text stays here.
# $count (Number) of characters
window-removed = { $count ->
        [one] One control character was removed, because a message cannot contain it.
       *[other] { $count } control characters were removed, because a message cannot contain them.
    }
# $max (Number) of bytes
window-file-refused = Files cannot be sent. Only the text of a text file of at most { $max } bytes can be dropped here.
# $name (String)
# $reason (String) of the system
window-file-unread = { $name } cannot be read: { $reason }
window-drop-here = Drop a text file here to take over its text.
window-complete = Tab completes the name
window-older-gone = Older lines are not kept
window-new-lines = New
window-today = Today
window-yesterday = Yesterday
# $day (String)
# $month (Number)
window-day = { $day } { $month ->
        [1] January
        [2] February
        [3] March
        [4] April
        [5] May
        [6] June
        [7] July
        [8] August
        [9] September
        [10] October
        [11] November
       *[12] December
    }
# $day (String) and month
# $year (String)
window-day-of-year = { $day } { $year }
window-empty-everyone = No messages yet. What you write goes to everyone who is online.
# $user (String)
window-empty-user = No messages yet. What you write goes to { $user } only.
# $server (String)
window-nobody-else = Nobody else is online. People appear here when they log in to { $server }.
# $name (String)
# $time (String)
# $text (String)
window-spoken-line = { $name }, { $time }: { $text }
window-copy-text = Copy the text
# $link (String)
window-open-link = Open { $link }
window-copy-line = Copy with name and time
# $count (Number) of lines
window-below = { $count ->
        [one] { $count } new message below
       *[other] { $count } new messages below
    }
# $name (String)
# $count (Number) of lines
window-unread = { $name }, { $count } unread
# $name (String)
window-silent = { $name }, does not answer
# $name (String)
window-absent = { $name }, offline
window-not-answering = does not answer
window-way-direct = direct
# $time (String) in milliseconds
window-way-direct-time = direct · { $time } ms
window-way-relayed = through the server
# $time (String) in milliseconds
window-way-relayed-time = through the server · { $time } ms
window-way-direct-explained = Messages go straight from machine to machine. The time is that there and back.
window-way-relayed-explained = Messages go through the server, still sealed: there is no direct way. The time is that there and back.
window-go-away = Away…
window-go-away-explained = Show others that you are away
window-away = Away
window-away-explained = Others see that you are away, with this text. Their messages still arrive.
window-away-text = What others see (can be empty)
window-away-hint = back at three
window-set-away = Set as away
window-change-away = Change the text
window-be-back = I am back

## What became of an own line

window-mark-waiting = on its way
window-mark-delivered = delivered
# $delivered (Number) of recipients
# $all (Number) of recipients
window-mark-delivered-of = { $delivered } of { $all } delivered
# $reason (String)
window-mark-failed = not delivered: { $reason }
# $reason (String)
window-mark-unconfirmed = may not have arrived ({ $reason })
# $reason (String)
window-mark-not-sent = not sent: { $reason }
window-mark-nobody-there = nobody else was online
window-mark-sent-again = resent to everyone who did not get it
window-outcomes = Delivery
# $mark (String) what became of the line
window-show-outcomes = { $mark }; show the delivery
# $count (Number) of people
window-send-again = { $count ->
        [one] Resend privately to 1 person
       *[other] Resend privately to { $count } people
    }
# $count (Number) of people
window-and-more = and { $count } more

## The connection and the end of the session

# $seconds (Number)
window-reconnecting = Connection to the server lost; retrying in { $seconds } s. Messages between people still arrive.
# $minutes (Number)
window-reconnecting-minutes = Connection to the server lost; retrying in { $minutes } min. Messages between people still arrive.
window-reconnecting-now = Connection to the server lost; connecting again… Messages between people still arrive.
window-retry-now = Retry now
# $server (String)
window-other-key = The key of { $server } has changed, so nothing is sent to it. Ask its operator. If the key was changed on purpose, log out and log in again: the window then shows both fingerprints.
window-log-in-again = Log in again here
window-leave = Log out
window-leave-explained = Ends the session: others see you as offline until you log in again
# $count (Number) of messages
window-pending = { $count ->
        [one] One message is still being delivered. The window closes when that is done. If you quit now, the message may be lost.
       *[other] { $count } messages are still being delivered. The window closes when that is done. If you quit now, these messages may be lost.
    }
window-stay = Keep waiting
window-leave-now = Quit now

## Why there is no window

window-no-display = there is no display for a window: neither DISPLAY nor WAYLAND_DISPLAY leads to one
# $detail (String) of the system
window-no-drawing = the window cannot be drawn: { $detail }
window-no-graphics = the window cannot be drawn: neither OpenGL nor Direct3D works, and CHAT_PAINTER allows nothing else
window-display-failed = the window has ended: the display or its driver failed
# $detail (String) of the system
window-no-window = the window cannot be opened: { $detail }
# $program (String)
window-hint-drawing = the log says more; { $program } needs no window
# $program (String)
window-hint-display = start it in a desktop session, or use { $program }, which needs no window
