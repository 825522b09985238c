"""A suite that a bare `docker compose up` has started: its secrets are in a volume."""

import subprocess

from control.context import Context


def chat_token(context: Context) -> str:
    """What opens its chat page; empty where there is no such suite."""
    tell = '. /made/environment && printf %s "$SANDBOX_CHAT_TOKEN"'
    try:
        done = subprocess.run(
            ("docker", "compose", "exec", "--no-TTY", "sandbox", "sh", "-c", tell),
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
