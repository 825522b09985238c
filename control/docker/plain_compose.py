"""A suite that a bare `docker compose up` has started: its secrets are in a volume."""

import subprocess

from control.context import Context
from control.errors import ControlError

PRINT_ADMIN_TOKEN_COMMAND = (
    "docker compose exec rest_service sh -c '. /made/environment && echo $ADMIN_API_TOKEN'"  # noqa: S105 # a command that holds no secret
)
"""What tells the administrator's token."""


def read_chat_token(context: Context) -> str:
    """What opens its chat page; empty where there is no such suite."""
    command = '. /made/environment && printf %s "$SANDBOX_CHAT_TOKEN"'
    return _run_compose(context, "exec", "--no-TTY", "sandbox", "sh", "-c", command)


def is_running(context: Context) -> bool:
    """Whether there is such a suite: only it has a first task that makes up secrets."""
    return bool(_run_compose(context, "ps", "--all", "--quiet", "setup").strip())


def ensure_not_running(context: Context) -> None:
    """Raises ControlError where a part of it would be given the secrets of `.env`."""
    if is_running(context):
        raise ControlError(
            "this suite was started by a bare docker compose up and has secrets of its own: change"
            " it with docker compose, or have ./manage.py start --docker take over all of it"
        )


def _run_compose(context: Context, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ("docker", "compose", *arguments),
            cwd=context.root,
            env=dict(context.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return ""
    return done.stdout if done.returncode == 0 else ""
