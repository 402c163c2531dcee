### The frame of `--help`, and errors in arguments.

language-name = English

## Headings, placeholders and options of help

help-usage = Usage:
help-commands = Commands
help-options = Options
help-arguments = Arguments
help-possible-values = Possible values:
help-print = Print help (see a summary with '-h')
help-version = Print version
help-command = Print this message or the help of the given subcommand(s)
command-completions = Print a script that completes the commands and options of this program in a shell
command-man = Write the manual pages of this program into a folder, one for each command
option-shell = The shell that will read the script
option-folder = The folder, which must exist
option-lang = The language of messages and help [default: that of the locale]
# $variable (String) with its value
help-environment = [env: { $variable }]
# $values (String), a list
help-short-values = [possible values: { $values }]
placeholder-command = COMMAND
placeholder-options = [OPTIONS]
placeholder-file = FILE
placeholder-server = HOST:PORT
placeholder-name = NAME
placeholder-bind-address = IP:PORT
placeholder-advertised-address = IP[:PORT]
placeholder-hex = HEX
placeholder-format = FORMAT
placeholder-language = LANGUAGE
placeholder-when = WHEN
placeholder-mode = MODE
placeholder-file-or-none = FILE|none
placeholder-shell = SHELL
placeholder-dir = DIR
value-text = For people
value-auto = At a terminal that shows colours, unless NO_COLOR is set
value-always = Always
value-never = Never
value-direct = Straight from machine to machine only
value-reach-auto = Straight where there is a way, and sealed through the server otherwise
value-relay = Sealed through the server only, so that nobody learns an address of yours
value-json = One JSON object per line, for scripts
value-en = English
value-zh-cn = Simplified Chinese

## Errors

# $value (String)
# $option (String)
arguments-value = invalid value '{ $value }' for '{ $option }'
# $value (String)
# $option (String)
# $reason (String)
arguments-value-because = invalid value '{ $value }' for '{ $option }': { $reason }
# $option (String)
arguments-no-value = a value is required for '{ $option }' but none was supplied
# $option (String)
arguments-no-equal-sign = equal sign is needed when assigning values to '{ $option }'
# $argument (String)
arguments-unexpected = unexpected argument '{ $argument }' found
# $value (String)
# $option (String)
arguments-unexpected-value = unexpected value '{ $value }' for '{ $option }' found; no more were expected
# $command (String)
arguments-unknown-command = unrecognized subcommand '{ $command }'
# $command (String)
arguments-no-command = '{ $command }' requires a subcommand but one was not provided
# $option (String)
# $other (String)
arguments-conflict = the argument '{ $option }' cannot be used with '{ $other }'
# $option (String)
arguments-twice = the argument '{ $option }' cannot be used multiple times
# $options (String), a list
arguments-missing = the following required arguments were not provided: { $options }
arguments-not-utf8 = an argument is not UTF-8
hint-see-help = for more information, try '--help'
