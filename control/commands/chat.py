"""`chat`: send one message and print the reply, or chat interactively."""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from control import modes
from control.chat_repl import ChatRepl
from control.context import Context
from control.docker import plain_compose
from control.errors import ControlError
from control.reply_watchdog import ReplyWatchdog
from control.sandbox_chat import SandboxAccount, SandboxChat, iter_bot_texts
from control.terminal import Terminal

_QUIET_SECONDS = 0.5
"""Seconds without a further message after which a reply counts as complete."""
_POLL_SECONDS = 0.2
_CHAT_SERVICES = ("tg_bot", "assistant")
"""Their health covers the services that they need themselves."""


def run(context: Context, options: argparse.Namespace) -> int:
    settings = context.settings
    if settings.is_telegram_real:
        raise ControlError("TELEGRAM_TOKEN is set: talk to your bot in Telegram")
    token = settings.values.get("SANDBOX_CHAT_TOKEN") or plain_compose.read_chat_token(context)
    chat = SandboxChat(settings.local_url("SANDBOX_PORT"), token)
    person = chat.find_user(options.person)
    new_watchdog = partial(ReplyWatchdog, partial(find_missing_services, context, options))
    question = OneShotChat(context.terminal, chat, person, new_watchdog, options.timeout)
    if options.question:
        return question.ask(" ".join(options.question))
    if sys.stdin.isatty():
        return ChatRepl(context.terminal, chat, person, new_watchdog).run()
    for line in filter(None, map(str.strip, sys.stdin)):
        question.ask(line)
    return 0


def find_missing_services(context: Context, options: argparse.Namespace) -> dict[str, str]:
    """Return the problem of each service that a reply needs and that has no healthy process.

    Empty if the state of the services is unknown.
    """
    try:
        problems = [*modes.select(context, options).find_service_problems(_CHAT_SERVICES)]
    except ControlError:
        return {}
    healthy = {service for service, problem in problems if not problem}
    by_service = dict(problems)
    return {
        name: by_service.get(name, "is not running")
        for name in _CHAT_SERVICES
        if name not in healthy
    }


@dataclass(frozen=True)
class OneShotChat:
    """Sends a message and waits for the whole reply."""

    terminal: Terminal
    chat: SandboxChat
    user: SandboxAccount
    new_watchdog: Callable[[], ReplyWatchdog]
    timeout: float
    """The maximum number of seconds to wait for a reply."""

    def ask(self, text: str) -> int:
        """Print the reply. Raises ControlError as soon as it is known that none will come."""
        newest = self.chat.send(self.user, text)
        watchdog, quiet_since = self.new_watchdog(), None
        deadline = time.monotonic() + self.timeout
        while time.monotonic() < deadline:
            updates = self.chat.get_updates(self.user, newest)
            for said in iter_bot_texts(updates):
                self.terminal.print_line(said)
                quiet_since = time.monotonic()
            newest = max((message.id for message in updates.messages), default=newest)
            if updates.is_typing:
                self.terminal.show_progress("typing…")
                watchdog.reset()
            elif quiet_since is None:
                self._ensure_reply_expected(watchdog)
            elif time.monotonic() - quiet_since >= _QUIET_SECONDS:
                return 0
            time.sleep(_POLL_SECONDS)
        if quiet_since:
            return 0
        why = watchdog.get_final_failure() or "see ./manage.py logs"
        raise ControlError(f"no answer within {self.timeout:g} s; {why}")

    def _ensure_reply_expected(self, watchdog: ReplyWatchdog) -> None:
        self.terminal.show_progress("waiting…")
        if reason := watchdog.get_failure():
            raise ControlError(f"no answer is coming: {reason}")
