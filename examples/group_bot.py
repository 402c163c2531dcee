#!/usr/bin/env python3
"""A bot for the room that rolls dice, tells the time, and says who is online.

It shows how a program in any language takes part over the JSON lines of chat-client (docs/JSON.md). It needs Python 3.9
or newer, and nothing beside its standard library.

    CHAT_PASSWORD=... python3 examples/group_bot.py chat-client --server HOST:7777 --user dealer --accept-new

The arguments are the command that starts the client. Add --register the first time. In the room:

    alice > everyone: !dice 2d6
    dealer > everyone: alice rolls 2d6: 3 + 5 = 8
    alice > everyone: !who
    dealer > everyone: 2 online: alice, dealer

The bot answers where it was asked: in the room or in private. It writes to standard error whom an answer did not reach.
It ends with its client, and with the same exit code.
"""

import json
import queue
import random
import re
import subprocess
import sys
import threading
from datetime import datetime, timezone

# The most answers that wait for the client. Further ones are dropped with a note: a bot that waits for its client while
# the client waits for the bot stops both.
MAX_WAITING = 100
MAX_DICE = 20
MAX_SIDES = 1000

HELP = "I know !dice, !dice 2d6, !time, !who and !help"


def note(text):
    print(f"group_bot: {text}", file=sys.stderr, flush=True)


def roll(user, what):
    """The answer to !dice, for example 2d6: two dice with six sides. A die alone has six sides."""
    match = re.fullmatch(r"(\d{1,4})?d(\d{1,5})", what or "1d6", re.ASCII)
    count, sides = (int(match[1] or 1), int(match[2])) if match else (0, 0)
    if not (1 <= count <= MAX_DICE and 2 <= sides <= MAX_SIDES):
        return f"{user}: write !dice 2d6, with 1 to {MAX_DICE} dice of 2 to {MAX_SIDES} sides"
    thrown = [random.randint(1, sides) for _ in range(count)]
    total = f" = {sum(thrown)}" if count > 1 else ""
    return f"{user} rolls {count}d{sides}: {' + '.join(map(str, thrown))}{total}"


class Bot:
    def __init__(self, client):
        self.client = client
        self.user = ""
        self.online = set()
        self.answers = queue.Queue(MAX_WAITING)
        threading.Thread(target=self.write, daemon=True).start()

    def run(self):
        """Handles every event until the client ends. Reading must not wait for anything: unread messages make their
        senders wait."""
        for line in self.client.stdout:
            event = json.loads(line)
            # Events and fields that this version does not know are ignored, as docs/JSON.md asks.
            handle = getattr(self, "on_" + event["event"], None)
            if handle:
                handle(event)

    def write(self):
        """Writes answers to the client, in a thread of its own because this may wait."""
        try:
            while True:
                self.client.stdin.write(json.dumps(self.answers.get(), ensure_ascii=False) + "\n")
                self.client.stdin.flush()
        except (BrokenPipeError, ValueError):
            pass  # The client has ended, which `run` notices too.

    def on_welcome(self, event):
        self.user = event["user"]
        self.online = {entry["user"] for entry in event["online"]}
        note(f"online as {self.user}")

    def on_online(self, event):
        self.online.add(event["user"])

    def on_offline(self, event):
        self.online.discard(event["user"])

    def on_message(self, event):
        # Answers never begin with an exclamation mark, so that two bots do not answer each other for ever.
        command, _, rest = event["text"].strip().partition(" ")
        user = event["from"]
        if command == "!dice":
            text = roll(user, rest.strip())
        elif command == "!time":
            text = datetime.now(timezone.utc).strftime("it is %Y-%m-%d %H:%M:%S UTC")
        elif command == "!who":
            names = sorted(self.online | {self.user})
            text = f"{len(names)} online: {', '.join(names)}"
        elif command.startswith("!"):
            text = HELP
        else:
            return
        to = "everyone" if event["to"] == "everyone" else user
        # A text has at most 16,384 bytes, and a character at most 4. Many names could be longer.
        try:
            self.answers.put_nowait({"to": to, "text": text[:4096], "ref": user})
        except queue.Full:
            note(f"no answer to {user}: too many answers wait")

    def on_outcome(self, event):
        if event["result"] != "delivered":
            note(f"an answer to {event['user']} is {event['result']}: {event['reason']}")

    def on_error(self, event):
        note(f"{event.get('ref', 'the client')}: {event['text']}")


def main():
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__)
        return 0 if len(sys.argv) > 1 else 2
    command = sys.argv[1:] + ["--format", "json", "--input", "json"]
    try:
        client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
    except OSError as error:
        note(f"cannot start {command[0]}: {error.strerror}; name the command that starts chat-client")
        return 2
    bot = Bot(client)
    try:
        bot.run()
    except KeyboardInterrupt:
        pass  # The client receives the signal too, and leaves.
    return client.wait()


if __name__ == "__main__":
    sys.exit(main())
