### The server as a service of Windows.

## Help

server-install-service = On Windows: install the server as a service that runs with these options, and start it
server-install-service-long = Options stand before the command: chat-server --listen "[::]:7777" install-service. Without --data-dir, the data folder of the service is %ProgramData%\chat-server. The service has the account LocalService. Other systems have service managers of their own, such as systemd.
server-uninstall-service = On Windows: stop the service and remove it; its data folder stays
server-run-service = What Windows runs as the service
server-serve-until-input-ends = What the service runs: a server that stops at the end of its standard input
server-option-service-log = The file that receives the standard error of the server
server-option-service-arguments = The arguments of the server

## Results

service-runs = the service chat-server runs, and starts with Windows
# $file (String)
service-log = log { $file }
# $file (String), a folder
note-service-folder = name its data folder in commands: chat-server --data-dir "{ $file }" status
# $value (String), a port
note-service-firewall = the firewall does not ask about services; to let others in: netsh advfirewall firewall add rule name=chat-server dir=in action=allow protocol=TCP localport={ $value }
service-removed = the service chat-server is removed; its data folder stays

## Refusals

service-elsewhere = only Windows has such services
hint-service-elsewhere = use the systemd unit of packaging/chat-server.service, or another service manager of this system
service-not-allowed = only an administrator can install or remove a service
hint-service-not-allowed = open the terminal with "Run as administrator", and repeat the command
service-exists = the service chat-server exists already
hint-service-exists = to give it other options, remove it first: chat-server uninstall-service
service-missing = there is no service chat-server
hint-service-missing = install it: chat-server install-service
service-being-removed = Windows is still removing the service chat-server
hint-service-being-removed = close every window that shows the services, and repeat the command
service-silent = the service chat-server does not reach the state that was asked for
hint-service-silent = see the state with: sc.exe query chat-server
service-only-by-system = only Windows itself starts this command
# $detail (String) of the system
service-refused = the service chat-server cannot be installed, started or removed: { $detail }
hint-service-refused = LocalService has to be able to read the program: move it to a folder such as C:\Program Files\chat
# $file (String)
service-ended = the service chat-server is installed, but its server does not run; the reason is in { $file }
hint-service-ended = remove it with chat-server uninstall-service, and install it with other options
# $variable (String)
service-secret = { $variable } is set, and a service does not have it
hint-service-roster = write the URL into a file that LocalService can read, and name the file with --roster-file; or unset the variable
hint-service-database = write the URL into a file that LocalService can read, and name the file with --database-file; or unset the variable
hint-service-invitation = write invitation-code into a file that LocalService can read, and name the file with --config; or unset the variable
