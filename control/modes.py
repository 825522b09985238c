"""Docker or local: what the operator says, else what they said last, else what is there."""

import argparse
from pathlib import Path
from typing import Literal

from control.context import Context

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


def _remembered(state_dir: Path) -> Mode | None:
    try:
        text = (state_dir / _FILE).read_text().strip()
    except OSError:
        return None
    return "docker" if text == "docker" else "local" if text == "local" else None
