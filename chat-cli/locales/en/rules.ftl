### The rules that names, texts, passwords, codes and addresses can break. The English sentences are those of the
### libraries.

name-empty = the user name is empty; it needs 1 to 32 characters
name-too-long = the user name is too long; at most 32 characters are allowed
# $character (String)
name-character = the user name contains { $character }; only letters and digits of any script, '_', '-' and '.' are allowed
name-mixed-scripts = the user name mixes scripts; use letters of one script, or Latin beside Chinese, Japanese or Korean
name-reserved = the user name is reserved or looks like a reserved one (everyone, server, 所有人); choose another
name-direction = the user name mixes writing directions; use letters of one direction
name-marks = the user name starts with a combining mark, or has more than four on one letter or one of them twice; start it with a letter or digit, and put at most four different marks on a letter
character-space = a space
# $character (String)
character-visible = '{ $character }'
# $code (String), a hexadecimal code point
character-invisible = the character U+{ $code }

text-empty = the text is empty; type something to send
# $bytes (Number)
text-too-long = the text is too long ({ $bytes } bytes); at most 16384 bytes are allowed, send it in parts
# $code (String), a hexadecimal code point
text-character = the text contains the control character U+{ $code }; only newline and tab are allowed

password-empty = the password is empty; it needs 8 to 128 characters
password-too-short = the password is too short; it needs at least 8 characters
password-too-long = the password is too long; at most 128 characters are allowed
password-character = the password contains a control or invisible character; use letters, digits, spaces and symbols

invitation-length = an invitation code needs 8 to 64 characters
invitation-character = an invitation code may contain only ASCII letters, digits and punctuation, and no spaces

fingerprint-form = a fingerprint has 64 hexadecimal digits; `chat-server fingerprint` prints it

# $typed (String)
# $min (Number)
# $max (Number)
number-range = '{ $typed }' is not allowed; write a whole number from { $min } to { $max }

address-empty = the server's address is empty; write HOST:PORT, for example 192.168.1.5:7777
address-url = the server's address must not be a URL; write HOST:PORT without http://, for example 192.168.1.5:7777
address-no-host = the server's address has no host; write HOST:PORT, for example 192.168.1.5:7777
# $typed (String)
address-host = '{ $typed }' is neither a host name nor an IP address; write HOST:PORT, for example 192.168.1.5:7777
# $typed (String)
address-port = '{ $typed }' is not a port; ports are numbers from 1 to 65535
address-brackets = an IPv6 address with a port is written in brackets, for example [2001:db8::5]:7777
# $ip (String)
# $example (String), the name of an interface
address-no-zone = { $ip } is link-local, so it needs the name of the network interface, for example [{ $ip }%{ $example }]:7777
# $ip (String)
address-zone = { $ip } is not link-local, so it has no zone; leave out % and the name after it
# $typed (String)
address-not-advertised = '{ $typed }' cannot be advertised; write IP or IP:PORT of one machine, for example 192.168.1.5:40001
# $typed (String)
# $lowest (String), the lowest port
address-advertised-port = '{ $typed }' cannot be advertised: servers accept ports from { $lowest } to 65535
# $typed (String)
address-advertised-zone = '{ $typed }' cannot be advertised: the name after % means nothing on other machines; leave it out

bind-address-empty = the address is empty; write IP:PORT, for example 127.0.0.1:7777 or [::]:7777
bind-address-no-port = the address has no port; write IP:PORT, for example 127.0.0.1:7777 or [::]:7777
bind-address-brackets = an IPv6 address with a port is written in brackets, for example [::]:7777
# $typed (String)
bind-address-host = '{ $typed }' is not an IP address; write IP:PORT, for example 127.0.0.1:7777 or [::]:7777
# $typed (String)
bind-address-port = '{ $typed }' is not a port; ports are numbers from 0 to 65535, and 0 lets the system choose
