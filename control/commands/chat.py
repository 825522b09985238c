"""Talking in the terminal: one question, or a conversation."""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from control import answerers
from control.chat import Chat, Person, bot_texts
from control.context import Context
from control.conversation import Conversation
from control.docker import bare
from control.errors import ControlError
from control.silence import Silence
from control.terminal import Terminal

_QUIET = 0.5
"""Seconds of silence after an answer that say it was all of it."""
_POLL = 0.2


def run(context: Context, options: argparse.Namespace) -> int:
    settings = context.settings
    if settings.telegram_is_real:
        raise ControlError("Telegram is real here (TELEGRAM_TOKEN is set): talk to your bot there")
    token = settings.values.get("SANDBOX_CHAT_TOKEN") or bare.chat_token(context)
    chat = Chat(settings.url("SANDBOX_PORT"), token)
    person = chat.person(options.person)
    silence = partial(Silence, partial(answerers.missing, context, options))
    question = Question(context.terminal, chat, person, silence, options.patience)
    if options.question:
        return question.ask(" ".join(options.question))
    if sys.stdin.isatty():
        return Conversation(context.terminal, chat, person, silence).hold()
    for line in filter(None, map(str.strip, sys.stdin)):
        question.ask(line)
    return 0


@dataclass(frozen=True)
class Question:
    """Somebody asks and waits for the whole answer."""

    terminal: Terminal
    chat: Chat
    person: Person
    silence: Callable[[], Silence]
    patience: float
    """Seconds that an answer may take."""

    def ask(self, text: str) -> int:
        """Print the answer; raises ControlError where none comes, as soon as that is known."""
        newest = self.chat.say(self.person, text)
        silence, quiet_since = self.silence(), None
        deadline = time.monotonic() + self.patience
        while time.monotonic() < deadline:
            news = self.chat.news(self.person, newest)
            for said in bot_texts(news):
                self.terminal.line(said)
                quiet_since = time.monotonic()
            newest = max((message.id for message in news.messages), default=newest)
            if news.typing:
                self.terminal.busy("typing…")
                silence.broken()
            elif quiet_since is None:
                self._wait(silence)
            elif time.monotonic() - quiet_since >= _QUIET:
                return 0
            time.sleep(_POLL)
        if quiet_since:
            return 0
        why = silence.end() or "see ./manage.py logs"
        raise ControlError(f"no answer within {self.patience:g} s; {why}")

    def _wait(self, silence: Silence) -> None:
        self.terminal.busy("waiting…")
        if reason := silence.reason():
            raise ControlError(f"no answer is coming: {reason}")
