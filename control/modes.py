"""Docker or local: what the operator says, else what they said last, else what is there."""

import argparse
from pathlib import Path
from typing import Literal

from control.context import Context
from control.credentials import write_private
from control.errors import ControlError

Mode = Literal["docker", "local"]
ADVICE = "say --docker or --local, whichever was started last: start writes it anew"
"""What to do about a file that cannot be used."""
_FILE = "mode"


def choose(context: Context, options: argparse.Namespace) -> Mode:
    """The mode of a command.

    Raises ControlError where nobody says it and what was said last cannot be read: the other mode
    has other data.
    """
    if options.docker or options.local:
        return "docker" if options.docker else "local"
    if remembered := _remembered(context.state_dir):
        return remembered
    from control.docker import engine  # asking takes a moment: only where nothing else tells

    return "docker" if engine.answers(context.environ) else "local"


def remember(state_dir: Path, mode: Mode) -> None:
    """The two keep separate data: the next command without a wish means this one."""
    state_dir.mkdir(parents=True, exist_ok=True)
    write_private(state_dir / _FILE, f"{mode}\n")


def fault(state_dir: Path) -> str:
    """What is wrong with the file, in one line; empty where nothing is."""
    try:
        _remembered(state_dir)
    except ControlError as error:
        return str(error).removesuffix(f": {ADVICE}")
    return ""


def _remembered(state_dir: Path) -> Mode | None:
    file = state_dir / _FILE
    try:
        text = file.read_text("utf-8").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError):
        text = ""
    if text not in ("docker", "local"):
        raise ControlError(f"{file} is damaged: {ADVICE}")
    return "docker" if text == "docker" else "local"
