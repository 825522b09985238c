"""`chat`: send one message and print the reply, or chat interactively."""

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial

from control import mode_selection
from control.chat_repl import ChatRepl
from control.context import Context
from control.docker import plain_compose
from control.errors import ControlError
from control.outage_detector import OutageDetector
from control.sandbox_chat import SandboxAccount, SandboxChat
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
    new_outage_detector = partial(
        OutageDetector, partial(find_unhealthy_services, context, options)
    )
    ask = partial(_ask, context.terminal, chat, person, new_outage_detector, options.timeout)
    if options.question:
        ask(" ".join(options.question))
    elif sys.stdin.isatty():
        ChatRepl(context.terminal, chat, person, new_outage_detector).run()
    else:
        for line in filter(None, map(str.strip, sys.stdin)):
            ask(line)
    return 0


def find_unhealthy_services(context: Context, options: argparse.Namespace) -> dict[str, str]:
    """Return the problem of each service that a reply needs and that has no healthy process.

    Empty if the state of the services is unknown.
    """
    try:
        problems = [*mode_selection.select(context, options).find_service_problems(_CHAT_SERVICES)]
    except ControlError:
        return {}
    healthy = {service for service, problem in problems if not problem}
    by_service = dict.fromkeys(_CHAT_SERVICES, "is not running") | dict(problems)
    return {name: by_service[name] for name in by_service if name not in healthy}


def _ask(
    terminal: Terminal,
    chat: SandboxChat,
    user: SandboxAccount,
    new_outage_detector: Callable[[], OutageDetector],
    timeout: float,
    text: str,
) -> None:
    """Print the whole reply. Raises ControlError as soon as it is known that none will come."""
    last_message_id = chat.send(user, text)
    detector, quiet_since = new_outage_detector(), None
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        updates = chat.get_updates(user, last_message_id)
        last_message_id = updates.last_message_id
        for reply in updates.bot_texts:
            terminal.print_line(reply)
            quiet_since = time.monotonic()
        if updates.is_typing:
            terminal.show_progress("typing…")
            detector.reset()
        elif quiet_since is None:
            terminal.show_progress("waiting…")
            if reason := detector.get_outage():
                raise ControlError(f"no answer is coming: {reason}")
        elif time.monotonic() - quiet_since >= _QUIET_SECONDS:
            return
        time.sleep(_POLL_SECONDS)
    if quiet_since is None:
        advice = detector.get_outage_now() or "see ./manage.py logs"
        raise ControlError(f"no answer within {timeout:g} s; {advice}")
