### Why connecting, logging in or changing a password failed, and why a session ended. The English sentences are those
### of the libraries.

## Rejections

rejection-name-taken = that user name is taken, or looks like one that is taken; choose another
rejection-wrong-credentials = wrong user name or password
rejection-disabled = this account is disabled; ask the operator of the server
rejection-registration-closed = registration is closed on this server; ask its operator for an account
# $seconds (Number)
rejection-busy = the server is busy; try again in { $seconds } s
# $seconds (Number)
rejection-slow-down = too many attempts; try again in { $seconds } s
rejection-storage-unavailable = the server cannot reach its storage; try again later
rejection-addresses = none of the offered addresses is usable; offer one that other clients can reach, with a port from 1024 to 65535
rejection-key-in-use = another session has this session key; log in again
rejection-ticket-refused = the session cannot be resumed; log in again
rejection-superseded = a newer login of this account has taken over
rejection-unexpected-request = the request is not allowed at this point
rejection-malformed = the request is malformed
rejection-too-many-requests = too many requests; slow down
rejection-full = the server is full; try again later
rejection-login-timeout = the login took too long; connect again
# $seconds (Number)
rejection-too-many-registrations-seconds = too many new accounts at the moment; try again in { $seconds } s
# $minutes (Number)
rejection-too-many-registrations-minutes = too many new accounts at the moment; try again in { $minutes } minutes
rejection-not-invited = registration requires this server's invitation code; ask its operator
rejection-accounts-full = this server has reached its limit of accounts; ask its operator

## Versions

# $our-low (Number)
# $our-high (Number)
# $their-low (Number)
# $their-high (Number)
versions-update-this = this program supports versions { $our-low } to { $our-high } of the protocol and the other side { $their-low } to { $their-high }; update this program
# $our-low (Number)
# $our-high (Number)
# $their-low (Number)
# $their-high (Number)
versions-update-other = this program supports versions { $our-low } to { $our-high } of the protocol and the other side { $their-low } to { $their-high }; update the other side

## Connecting

# $server (String)
# $detail (String) of the system
connect-resolve = the host of { $server } cannot be found: { $detail }; check its spelling and the network
# $server (String)
# $reason (String)
connect-unreachable = nothing answers at { $server }: { $reason }; is the server running and the address right?
unreachable-refused = connection refused
unreachable-reset = the connection was reset
unreachable-host = the host cannot be reached
unreachable-network = the network cannot be reached
unreachable-timed-out = no answer
# $server (String)
connect-timed-out = { $server } does not answer; is the server running, the address right, and no firewall in between?
# $server (String)
# $detail (String) for developers
connect-not-chat = what listens at { $server } is not a chat server: { $detail }; check the port
# $server (String)
# $detail (String) for developers
connect-tls = the TLS handshake with { $server } failed: { $detail }
# $server (String)
# $problem (String)
connect-certificate = the certificate of { $server } cannot be trusted: it { $problem }; nothing was sent to the server
# $server (String)
connect-not-certifiable = the host of { $server } is neither a DNS name nor an IP address, so no authority can certify it
# $file (String)
# $detail (String)
connect-authorities = the certificate authorities in { $file } cannot be used: { $detail }
# $detail (String) of the system
authorities-unreadable = the file cannot be read: { $detail }
authorities-not-pem = the file is damaged: it is not in PEM form
authorities-not-x509 = a certificate in the file cannot be read; it must be an X.509 certificate of version 3
authorities-empty = the file holds no certificate in PEM form
# $server (String)
# $shown (String), a fingerprint
connect-untrusted = { $server } is not known here; its fingerprint is { $shown }; compare it with the one that the operator gives you
# $server (String)
# $known (String), a fingerprint
# $shown (String), a fingerprint
connect-fingerprint-changed = the key of { $server } has changed: its fingerprint was { $known } and is now { $shown }; nothing was sent to the server
# $server (String)
# $known (String), a fingerprint
# $other (String), a server
# $shown (String), a fingerprint
connect-different-keys = { $server } has the fingerprint { $known }, and { $other } has { $shown }; servers that share a roster have one key; nothing was sent to them
# $server (String)
# $wanted (String), a fingerprint
# $shown (String), a fingerprint
connect-wrong-fingerprint = { $server } does not have the fingerprint { $wanted }; its fingerprint is { $shown }; nothing was sent to it
# $server (String)
# $reason (String)
connect-login-failed = the login at { $server } failed: { $reason }; try again
login-disconnected = the connection failed or broke during login
login-connect-timed-out = connecting took too long
login-reply-timed-out = the server did not answer in time
login-roster-incomplete = the connection broke before the roster was complete
login-server-stopping = the server is stopping
login-too-slow = this client did not read what the server sent
# $server (String)
connect-registration-unanswered = { $server } did not answer the registration, so the account may exist; try to log in before you register again
# $server (String)
connect-only-registered = the account is registered, but the connection to { $server } broke before the login was complete; log in
# $address (String)
# $reason (String)
connect-udp = messages cannot be received at { $address } (UDP): { $reason }
udp-in-use = another program uses this port; choose another one, or 0 for any
udp-not-available = this machine does not have that address; choose one of its own, or [::] for all
udp-permission = ports below 1024 need special permissions; choose a higher one
client-internal = the client stopped because of an internal error; please report it

## Certificates, after "it"

certificate-unknown-authority = is not signed by any of the authorities that this client trusts
certificate-other-authority = is signed by an authority with the same name as a trusted one, but another key
certificate-is-authority = is a certificate authority's own certificate (CA:TRUE), which a server cannot use
certificate-no-host = names no host: it has no subject alternative name
# $host (String)
certificate-not-for-host = is not for { $host }
# $names (String), a list
# $host (String)
certificate-other-host = is for { $names }, not for { $host }
# $from (String), a time
# $now (String), a time
certificate-not-yet-valid = is not valid before { $from }, and this machine's clock is at { $now }
# $until (String), a time
# $now (String), a time
certificate-expired = expired at { $until }, and this machine's clock is at { $now }
certificate-not-for-servers = is not for servers: its extended key usage lacks server authentication
certificate-algorithm = is signed with an algorithm that this program does not accept, such as SHA-1
certificate-malformed = breaks a rule for certificates (RFC 5280), so that it cannot be checked

## Known servers

# $file (String)
# $detail (String) of the system
known-servers-read = the known servers in { $file } cannot be read: { $detail }
# $file (String)
# $detail (String) of the system
known-servers-write = the known servers in { $file } cannot be written: { $detail }
# $file (String)
# $line (Number)
known-servers-line = line { $line } of { $file } is not 'HOST:PORT FINGERPRINT'; correct or delete the line

## The end of a session

ended-replaced = another login of this account has taken over
ended-kicked = the session was ended: the account was disabled or removed, or its password was changed
# $reason (String)
end-rejected = the server refused to resume this session: { $reason }
# $detail (String) for developers
end-not-chat = the server does not speak this protocol: { $detail }

## Password changes

password-change-not-connected = there is no connection to the server; try again when it is back
password-change-wrong = the current password was wrong
password-change-in-progress = a password change is already in progress; wait for its result
password-change-unanswered = the connection broke before the server answered; either password may be valid now
client-offline = this client is no longer online
