"""What `start` prints in both modes."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from control import environment, invitation, machine_requirements
from control.context import Context
from control.errors import ControlError
from control.http_client import RequestFailed
from control.terminal import BOLD, Terminal


class Named(Protocol):
    """A process or a container."""

    @property
    def name(self) -> str: ...


@dataclass(frozen=True)
class ComponentFailure:
    """Why a component is not healthy."""

    name: str
    """The service or replica, as `status` shows it."""
    reason: str
    log_tail: tuple[str, ...] = ()
    """The end of its log, oldest line first; empty if there is none."""


def prepare_environment(context: Context, mode: str) -> None:
    """Create `.env` and missing secrets. Raises ControlError for invalid settings."""
    context.terminal.print_line(context.terminal.paint("Smart Assistant", BOLD) + f" ({mode} mode)")
    if environment.ensure_secrets(context.root, context.environ):
        context.terminal.print_success(".env", "created with new secrets")
    for name, advice in environment.find_unknown_variables(context.root).items():
        context.terminal.print_warning(f".env: {name} is not a setting of the suite; {advice}")
    if mode == "local":
        for finding in machine_requirements.check_memory(context.inspect_machine(context.root)):
            context.terminal.print_warning(str(finding))


def show_waiting(terminal: Terminal, unready: Iterable[Named], since: float) -> None:
    """Show what a start has been waiting for; `since` is a time of the monotonic clock."""
    names = ", ".join(it.name for it in unready)
    terminal.show_waiting(f"… {time.monotonic() - since:.0f} s, waiting for {names}")


def report_failures(
    context: Context,
    failures: Sequence[ComponentFailure],
    outlook: str = "The suite keeps trying. ",
) -> None:
    """Print the last log lines of the components that did not become healthy, and advice."""
    for problem in failures:
        if problem.log_tail:
            context.terminal.print_line(f"   The log of {problem.name} ends with:")
        for line in problem.log_tail:
            context.terminal.print_line(f"   | {line}")
    if failures:
        names = [problem.name for problem in failures]
        context.terminal.print_warning(
            f"not healthy: {', '.join(names)}. {outlook}Fix the cause, then run"
            f" ./manage.py restart; more: ./manage.py logs --service {names[0]}, ./manage.py status"
        )


def print_addresses(context: Context) -> None:
    """Print the addresses of the chat and of the API."""
    settings, say = context.settings, context.terminal.print_line
    say()
    if settings.is_telegram_real:
        say("  Chat:  in Telegram, with your bot")
        _print_owner_invitation(context)
    else:
        token = settings.values["SANDBOX_CHAT_TOKEN"]
        say(f"  Chat:  {settings.local_url('SANDBOX_PORT')}/?token={token}")
    if not settings.is_model_real:
        say("  Model: a small demo; OPENAI_API_KEY or OPENAI_BASE_URL in .env name a real one")
    say(f"  API:   {settings.local_url('REST_SERVICE_PORT')}/docs")


def _print_owner_invitation(context: Context) -> None:
    """Print the link that makes its first user the owner, if there is none yet."""
    if context.settings.values.get("TELEGRAM_ALLOWED_USERS"):
        return
    try:
        link = invitation.create(context.settings, role="owner")
    except invitation.OwnerExists:
        return
    except (RequestFailed, ControlError) as error:
        problem = f"no link for the owner yet ({error})"
        context.terminal.print_warning(f"{problem}: ./manage.py invite --owner")
    else:
        context.terminal.print_line(f"  Owner: {link.url}   (works once, until {link.expires_at})")
