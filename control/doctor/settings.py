"""Checks of the operator's variables."""

from collections.abc import Iterable

from control import environment
from control.context import Context
from control.credentials import SECRET_GENERATORS
from control.docker import plain_compose
from control.finding import Finding, make_error, make_warning
from control.http_client import strip_credentials

_MIN_SECRET_LENGTH = 16
_OTHERS_MODE_MASK = 0o077


def check(context: Context) -> Iterable[Finding]:
    """Raises ControlError if they cannot be read, because all other checks depend on them."""
    file = context.root / ".env"
    if not file.exists():
        yield Finding(".env", _describe_missing_file(context))
        return
    if file.stat().st_mode & _OTHERS_MODE_MASK:
        yield make_error(".env", "others can read it, and it holds secrets", "chmod 600 .env")
    for name, advice in environment.find_unknown_variables(context.root).items():
        yield make_warning(".env", f"{name} is not a setting of the suite", advice)
    values = context.settings.values
    for name in SECRET_GENERATORS:
        if 0 < len(values.get(name, "")) < _MIN_SECRET_LENGTH:
            advice = f"empty it: a fresh {name}= is made at the next start"
            yield make_error(".env", f"{name} is too short for a secret", advice)
    telegram = "your bot" if context.settings.is_telegram_real else "the sandbox"
    model = "the demo"
    if context.settings.is_model_real:
        model = strip_credentials(values["OPENAI_BASE_URL"])
    yield Finding("settings", f"Telegram: {telegram}; model: {model}")


def _describe_missing_file(context: Context) -> str:
    if plain_compose.is_running(context):
        command = plain_compose.PRINT_ADMIN_TOKEN_COMMAND
        return f"none: docker compose generated the secrets; the admin token: {command}"
    secrets_file = context.state_dir / "secrets.env"
    if secrets_file.exists():
        return f"none; the generated secrets are in {secrets_file}"
    return "not made yet; ./manage.py start makes it"
