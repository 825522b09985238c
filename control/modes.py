"""Docker or local: what the operator says, else what they said last, else what is there."""

import argparse
import contextlib
from pathlib import Path
from typing import Literal

from control.context import Context
from control.errors import ControlError

Mode = Literal["docker", "local"]
_FILE = "mode"


def choose(context: Context, options: argparse.Namespace) -> Mode:
    """The mode of a command."""
    if options.docker or options.local:
        return "docker" if options.docker else "local"
    if remembered := _remembered(context.state_dir):
        return remembered
    from control.docker import engine  # asking takes a moment: only where nothing else tells

    return "docker" if engine.answers(context.environ) else "local"


def remember(state_dir: Path, mode: Mode) -> None:
    """The two keep separate data: the next command without a wish means this one."""
    state_dir.mkdir(parents=True, exist_ok=True)
    (state_dir / _FILE).write_text(f"{mode}\n")


def refuse_beside_local(context: Context) -> None:
    """Raises ControlError where this folder's suite runs as processes: both want the same ports."""
    from control.local.run_directory import RunDirectory

    if RunDirectory(context.state_dir).supervisor():
        raise ControlError("this folder's suite runs in local mode: ./manage.py stop --local first")


def beside_docker(context: Context, port_taken: ControlError) -> ControlError:
    """What to say of a port that is taken, which may be by this folder's own containers."""
    from control.docker import engine
    from control.docker.compose import Compose

    with contextlib.suppress(ControlError):  # then nobody can tell
        if engine.answers(context.environ):
            containers = Compose.of(context).containers()
            if any(container.state == "running" for container in containers):
                first = "./manage.py stop --docker"
                return ControlError(f"this folder's suite runs in Docker: {first} first")
    return port_taken


def _remembered(state_dir: Path) -> Mode | None:
    try:
        text = (state_dir / _FILE).read_text().strip()
    except OSError:
        return None
    return "docker" if text == "docker" else "local" if text == "local" else None
