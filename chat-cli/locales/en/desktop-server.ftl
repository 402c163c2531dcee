### The window of chat-server-desktop.

## Starting a server

server-window-title = Chat server
server-window-about = A chat server in a window. It has the options of chat-server, and uses the same data folder and database.
server-window-address = Listen on
server-window-address-hint = IP:port, for example 0.0.0.0:7777
server-window-folder = Data folder
# $folder (String)
server-window-folder-hint = { $folder } (default)
server-window-no-default-folder = this user has no home folder, so there is no default; name a data folder
# $example (String), a folder
server-window-folder-not-whole = write the whole path of the folder, for example { $example }
server-window-database = Database
server-window-database-in-folder = SQLite, in the data folder
server-window-database-by-url = MySQL or MariaDB
server-window-database-named = As configured
server-window-database-url = URL of the database
server-window-database-url-hint = mysql://user:password@host/database
server-window-show-url = Show the URL
server-window-start = Start the server
server-window-starting = Starting…
# $problem (String)
server-window-advice-port = { $problem }; choose another port, or stop the program that listens there
# $problem (String)
server-window-advice-all-addresses = { $problem }; 0.0.0.0 and [::] stand for all addresses of this machine
# $problem (String)
server-window-advice-high-port = { $problem }; choose a port above 1024, such as 7777
# $problem (String)
server-window-advice-other-folder = { $problem }; choose a folder of your own that you can write to
# $problem (String)
server-window-advice-stop-other = { $problem }; stop that server, or choose another folder

## The running server

server-window-stopped = Stopped
# $time (String)
server-window-running = Running since { $time }
# $online (Number)
# $logins (Number)
# $refused (Number)
server-window-counts = { $online } online · { $logins } logins · { $refused } refused
server-window-stop = Stop the server
server-window-stopping = Stopping…
# $reason (String)
server-window-had-to-stop = the server had to stop: { $reason }
server-window-for-others = Address for others
# $address (String)
server-window-only-here = Only programs on this machine can connect. To let others in, stop the server and listen on { $address }.
server-window-behind-forwarder = Clients connect to the forwarder in front of this server: give its address to others.
server-window-no-address = This machine has no address at which others could reach the server. Connect it to a network.
# $address (String)
server-window-copy-address = Copy address { $address }
server-window-copied = Copied
server-window-fingerprint = Fingerprint, to compare with what clients show
server-window-copy-fingerprint = Copy fingerprint
server-window-invitation = Invitation
server-window-invitation-explained = Send it to a colleague, who pastes it as the server of the chat window, or into a terminal.
server-window-copy-invitation = Copy invitation
server-window-registration = Who can register
server-window-registration-open = Everyone
server-window-registration-invited = With a code
server-window-registration-closed = Nobody
server-window-registration-closed-hint = You add the accounts, in the list of accounts.
server-window-code = Invitation code
server-window-code-explained = New users type it when they register. The invitation does not contain it.
server-window-copy-code = Copy invitation code
server-window-new-code = New code
server-window-new-code-hint = The previous code no longer registers anybody. Accounts stay.

## Arrivals and departures, and who is online

server-window-arrivals = Activity
# $count (Number)
server-window-online = Online · { $count }
server-window-accounts = Accounts
server-window-numbers = Statistics
server-window-no-arrivals = No activity yet. People who come online and leave appear here.
server-window-nobody-online = Nobody is online.
server-window-older-arrivals = Older lines are only in the presence log of the data folder
# $count (Number)
server-window-arrivals-left-out = { $count } lines were left out here; the presence log has them
server-window-server-started = the server started
server-window-server-stopping = the server stops
server-window-came = came online
server-window-replaced = logged in again
server-window-moved = address changed
server-window-left = left
server-window-left-lost = left: the connection was lost
server-window-left-kicked = left: the account was changed
server-window-left-too-slow = left: its program was too slow
server-window-column-user = User
server-window-column-address = Address
server-window-column-since = Since
server-window-column-last-seen = Last seen

## Accounts

server-window-find-account = Find an account
server-window-refresh = Refresh
server-window-no-accounts = There are no accounts yet.
# $typed (String)
server-window-no-account-found = No account contains “{ $typed }”
# $max (Number)
server-window-more-accounts = Only the first { $max } accounts are listed; `chat-server user list` prints all
server-window-seen-now = online
server-window-never-seen = never
server-window-state-disabled = disabled
server-window-state-removed = removed
server-window-state-invalid = name no longer allowed
server-window-add-account = Add an account…
server-window-add-account-title = New account
server-window-add = Add the account
server-window-disable = Disable
# $user (String)
server-window-disable-user = Disable { $user }
server-window-enable = Enable
# $user (String)
server-window-enable-user = Enable { $user }
server-window-reset = Password…
# $user (String)
server-window-reset-user = Set a new password for { $user }
server-window-suggest = Suggest a password
server-window-set-password = Set password
server-window-password-once = The password is shown only now. Give it to its user, who can change it.
server-window-copy-password = Copy password
server-window-remove = Remove…
# $user (String)
server-window-remove-user = Remove { $user }
# $user (String)
server-window-remove-question = Remove the account { $user } for good? Its session ends, and nobody can log in with it again.
server-window-free-name = Others may register this name
server-window-working = Working…

## Closing

# $count (Number)
server-window-close-question = { $count ->
        [0] The server is running.
        [one] The server is running, and one person is online.
       *[other] The server is running, and { $count } people are online.
    } If you close the window, the server stops.
server-window-keep-running = Keep it running
server-window-stop-and-close = Stop and close
