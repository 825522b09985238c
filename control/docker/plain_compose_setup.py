"""Generates missing secrets for plain `docker compose up` (docker-compose.override.yml).

Runs in a container of its own. Each service reads its own variables from `/made/environment`;
variables of its container have priority.
"""

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from control import environment
from control.addresses import COMPOSE_ADDRESSES
from control.credentials import build_password_statement
from control.docker.plain_compose import PRINT_ADMIN_TOKEN_COMMAND
from control.services import SERVICES
from control.settings import Settings

_DATABASES = {
    "postgres": {"POSTGRES_PASSWORD": "POSTGRES_PASSWORD"},
    "redis": {"REDISCLI_AUTH": "REDIS_PASSWORD"},
}
COMPONENTS = (*_DATABASES, *(service.name for service in SERVICES if service.port))


def main(target: Path, given: Mapping[str, str]) -> None:
    """Write the file of each service; print the chat page's link and the token's command."""
    environ = {**given, "STATE_DIR": str(target)}  # the folder of secrets.env
    environment.ensure_secrets(target, environ)
    settings = Settings.load(target, environ, COMPOSE_ADDRESSES)
    for name, variables in _DATABASES.items():
        received = {seen: settings.values[ours] for seen, ours in variables.items()}
        _write_environment(target / name, received, {})
    statement = build_password_statement(settings.values["POSTGRES_PASSWORD"])
    (target / "postgres" / "password.sql").write_text(statement, "utf-8")
    for service in SERVICES:
        if service.port:  # a task uses the file of its service
            _write_environment(target / service.name, settings.select_variables(service), given)
    if not settings.is_telegram_real:
        token = settings.values["SANDBOX_CHAT_TOKEN"]
        print(f"Chat: {settings.local_url('SANDBOX_PORT')}/?token={token}")
    print(f"Admin token: {PRINT_ADMIN_TOKEN_COMMAND}")


def _write_environment(
    folder: Path, variables: Mapping[str, str], known: Mapping[str, str]
) -> None:
    """Write a script that sets variables. A set one keeps its value, unless translated here."""
    lines = []
    for name, value in variables.items():
        unless = "" if name in known else f'[ -n "${name}" ] || '
        lines.append(f"{unless}{name}={shlex.quote(value)}; export {name}\n")
    (folder / "environment").write_text("".join(lines), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), os.environ)
