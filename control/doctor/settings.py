"""The operator's variables."""

from collections.abc import Iterable

from control import environment, spelling
from control.client import plain
from control.context import Context
from control.credentials import GENERATED
from control.docker import bare
from control.doctor.finding import Finding, doubtful, wrong
from control.variables import NAMES

_LEAST_SECRET = 16
_PRIVATE = 0o077


def check(context: Context) -> Iterable[Finding]:
    """Raises ControlError where they cannot be read: then there is nothing else to look at."""
    file = context.root / ".env"
    if not file.exists():
        yield Finding(".env", _without_file(context))
        return
    if file.stat().st_mode & _PRIVATE:
        yield wrong(".env", "others can read it, and it holds secrets", "chmod 600 .env")
    for name in environment.unknown(context.root):
        advice = spelling.advice(name.upper(), NAMES, "see .env.example")
        yield doubtful(".env", f"{name} is no setting of the suite", advice)
    values = context.settings.values
    for name in GENERATED:
        if 0 < len(values.get(name, "")) < _LEAST_SECRET:
            yield wrong(
                ".env",
                f"{name} is too short for a secret",
                f"empty it: a fresh {name}= is made at the next start",
            )
    yield Finding("settings", _summary(context))


def _without_file(context: Context) -> str:
    if bare.runs(context):
        return f"none: docker compose made up the secrets; the admin token: {bare.TELL_ADMIN}"
    made = context.state_dir / "secrets.env"
    if made.exists():
        return f"none; the secrets that were made up are in {made}"
    return "not made yet; ./manage.py start makes it"


def _summary(context: Context) -> str:
    settings = context.settings
    telegram = "your bot" if settings.telegram_is_real else "the sandbox"
    model = plain(settings.values["OPENAI_BASE_URL"]) if settings.model_is_real else "the demo"
    return f"Telegram: {telegram}; model: {model}"
