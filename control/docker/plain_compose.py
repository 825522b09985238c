"""A suite started by plain `docker compose up`. Its secrets are in a volume, not in `.env`."""

import subprocess

from control.context import Context
from control.errors import ControlError

PRINT_ADMIN_TOKEN_COMMAND = (
    "docker compose exec rest_service sh -c '. /made/environment && echo $ADMIN_API_TOKEN'"  # noqa: S105 # a command that holds no secret
)


def read_chat_token(context: Context) -> str:
    """Return the token of the chat page; empty if there is no such suite."""
    command = '. /made/environment && printf %s "$SANDBOX_CHAT_TOKEN"'
    return _run_compose(context, "exec", "--no-TTY", "sandbox", "sh", "-c", command)


def is_running(context: Context) -> bool:
    """Return whether there is such a suite. Only such a suite has the service `setup`."""
    return bool(_run_compose(context, "ps", "--all", "--quiet", "setup").strip())


def ensure_not_running(context: Context) -> None:
    """Raise ControlError if there is such a suite: it must not receive the secrets of `.env`."""
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
        )
    except OSError:
        return ""
    return done.stdout if done.returncode == 0 else ""
