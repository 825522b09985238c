"""Talking in the terminal: one question, or a conversation."""

import argparse
import sys
import threading
import time

from control.chat import Chat, Person, bot_texts
from control.context import Context
from control.docker import bare
from control.errors import ControlError
from control.terminal import BOLD, DIM, Terminal

_QUIET = 0.5
"""Seconds of silence after an answer that say it was all of it."""
_POLL = 0.2
_PROMPT = "› "


def run(context: Context, options: argparse.Namespace) -> int:
    settings = context.settings
    if settings.telegram_is_real:
        raise ControlError("Telegram is real here (TELEGRAM_TOKEN is set): talk to your bot there")
    token = settings.values.get("SANDBOX_CHAT_TOKEN") or bare.chat_token(context)
    chat = Chat(settings.url("SANDBOX_PORT"), token)
    person = chat.person(options.person)
    if options.question:
        return _ask(context.terminal, chat, person, " ".join(options.question), options.patience)
    if sys.stdin.isatty():
        return Conversation(context.terminal, chat, person).hold()
    for line in filter(None, map(str.strip, sys.stdin)):
        _ask(context.terminal, chat, person, line, options.patience)
    return 0


def _ask(terminal: Terminal, chat: Chat, person: Person, question: str, patience: float) -> int:
    """Print the answer to one question; 1 where none comes."""
    said = chat.say(person, question)
    deadline = time.monotonic() + patience
    newest, quiet_since = said.id, None
    while time.monotonic() < deadline:
        news = chat.news(person, newest)
        for text in bot_texts(news):
            terminal.line(text)
            quiet_since = time.monotonic()
        newest = max((message.id for message in news.messages), default=newest)
        if news.typing:
            terminal.busy("typing…")
        elif quiet_since and time.monotonic() - quiet_since >= _QUIET:
            return 0
        time.sleep(_POLL)
    if quiet_since:
        return 0
    raise ControlError(f"no answer within {patience:g} s; see ./manage.py logs")


class Conversation:
    """Reads lines and shows what comes, also what comes late: a reminder comes when it comes."""

    def __init__(self, terminal: Terminal, chat: Chat, person: Person) -> None:
        self._terminal = terminal
        self._chat = chat
        self._person = person
        self._newest = chat.newest(person)
        self._ended = threading.Event()
        self._typing = False

    def hold(self) -> int:
        """Until Ctrl-D, Ctrl-C or /quit."""
        self._terminal.line(
            self._terminal.paint(f"You are {self._person.first_name}.", BOLD)
            + " Ctrl-D or /quit ends the conversation."
        )
        listener = threading.Thread(target=self._listen, daemon=True)
        listener.start()
        try:
            self._read()
        except (EOFError, KeyboardInterrupt):
            self._terminal.line()
        finally:
            self._ended.set()
            listener.join(timeout=5)
        return 0

    def _read(self) -> None:
        import readline  # noqa: F401 - gives input() its editing

        while True:
            text = input(_PROMPT).strip()
            self._typing = False  # the cursor is no longer right below that line
            if text == "/quit":
                return
            if text:
                self._chat.say(self._person, text)

    def _listen(self) -> None:
        while not self._ended.wait(_POLL):
            try:
                self._look()
            except ControlError as error:
                self._show(str(error))
                self._ended.wait(5)

    def _look(self) -> None:
        news = self._chat.news(self._person, self._newest)
        self._newest = max((message.id for message in news.messages), default=self._newest)
        for text in bot_texts(news):
            self._show(text)
        if news.typing and not self._typing:
            self._show(self._terminal.paint("typing…", DIM))
            self._typing = True

    def _show(self, text: str) -> None:
        """Above the line that is being typed; what comes takes the place of "typing"."""
        import readline

        wiped = "\r\033[K" + ("\033[A\033[K" if self._typing else "")
        self._typing = False
        sys.stdout.write(f"{wiped}{text}\n{_PROMPT}{readline.get_line_buffer()}")
        sys.stdout.flush()
