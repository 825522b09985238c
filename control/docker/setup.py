"""Makes up what nobody has said, for a bare `docker compose up` (docker-compose.override.yml).

Runs in a container of its own. Each service finds in `/made/environment` its own variables and no
others; what its container was given wins.
"""

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from control import environment
from control.addresses import COMPOSE
from control.services import SERVICES
from control.settings import Settings

_DATABASES = {
    "postgres": {"POSTGRES_PASSWORD": "POSTGRES_PASSWORD"},
    "redis": {"REDISCLI_AUTH": "REDIS_PASSWORD"},
}


PARTS = (*_DATABASES, *(service.name for service in SERVICES if service.port))


def main(made: Path, given: Mapping[str, str]) -> None:
    """Write each part's file, and the link of the chat page to the log."""
    environ = {**given, "STATE_DIR": str(made)}  # where the secrets stay
    environment.complete(made, environ)
    settings = Settings.load(made, environ, COMPOSE)
    for name, variables in _DATABASES.items():
        _write(made / name, {seen: settings.values[ours] for seen, ours in variables.items()})
    for service in SERVICES:
        if service.port:  # a task has those of its service
            _write(made / service.name, settings.own_variables_of(service))
    if not settings.telegram_is_real:
        token = settings.values["SANDBOX_CHAT_TOKEN"]
        print(f"Chat: {settings.url('SANDBOX_PORT')}/?token={token}")


def _write(folder: Path, variables: dict[str, str]) -> None:
    """As a shell reads it: a variable that has a value already keeps it."""
    lines = [
        f'[ -n "${name}" ] || {name}={shlex.quote(value)}; export {name}\n'
        for name, value in variables.items()
    ]
    (folder / "environment").write_text("".join(lines), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), os.environ)
