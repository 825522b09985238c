"""What `start` says in every mode: before it begins, and where to go afterwards."""

from collections.abc import Sequence

from control import environment, invitation, machine, spelling
from control.client import RequestFailed
from control.context import Context
from control.errors import ControlError
from control.problem import Problem
from control.terminal import BOLD
from control.variables import NAMES


def begin(context: Context, mode: str) -> None:
    """Make `.env` and the secrets where they are missing; raises ControlError for bad settings."""
    context.terminal.line(context.terminal.paint("Smart Assistant", BOLD) + f" ({mode} mode)")
    if environment.complete(context.root, context.environ):
        context.terminal.done(".env", "made, with fresh secrets")
    for name in environment.unknown(context.root):
        advice = spelling.advice(name.upper(), NAMES, "see .env.example")
        context.terminal.warn(f".env: {name} is no setting of the suite; {advice}")
    if mode == "local":
        for one in machine.check_memory(context.find_machine(context.root)):
            context.terminal.warn(str(one))


def report(
    context: Context, problems: Sequence[Problem], outlook: str = "The suite goes on trying. "
) -> None:
    """Show the last lines of what did not get well in time, and say what to do."""
    for problem in problems:
        if problem.last_lines:
            context.terminal.line(f"   The log of {problem.name} ends with:")
        for line in problem.last_lines:
            context.terminal.line(f"   | {line}")
    if problems:
        names = [problem.name for problem in problems]
        context.terminal.warn(
            f"not well: {', '.join(names)}. {outlook}Mend the cause, then run"
            f" ./manage.py restart; more: ./manage.py logs --service {names[0]}, ./manage.py status"
        )


def say_where(context: Context) -> None:
    """Where to talk, and where the API is."""
    settings, say = context.settings, context.terminal.line
    say()
    if settings.telegram_is_real:
        say("  Chat:  in Telegram, with your bot")
        _invite_owner(context)
    else:
        token = settings.values["SANDBOX_CHAT_TOKEN"]
        say(f"  Chat:  {settings.url('SANDBOX_PORT')}/?token={token}")
    if not settings.model_is_real:
        say("  Model: a small demo; OPENAI_API_KEY or OPENAI_BASE_URL in .env name a real one")
    say(f"  API:   {settings.url('REST_SERVICE_PORT')}/docs")


def _invite_owner(context: Context) -> None:
    """Where nobody may talk yet: the link that makes its first user the owner."""
    if context.settings.values.get("TELEGRAM_ALLOWED_USERS"):
        return
    try:
        link = invitation.create(context.settings, role="owner")
    except invitation.OwnerExists:
        return
    except (RequestFailed, ControlError) as error:
        context.terminal.warn(f"no link for the owner yet ({error}): ./manage.py invite --owner")
    else:
        context.terminal.line(f"  Owner: {link.url}   (works once, until {link.expires_at})")
