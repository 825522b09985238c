"""Docker or local: what the operator says, else what they said last, else what is there."""

import argparse
from pathlib import Path
from typing import Literal

from control import environment
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
    if mode := told(context, options):
        return mode
    if said := fault(context.state_dir):
        raise ControlError(f"{said}: {ADVICE}")
    from control.docker import engine  # asking takes a moment: only where nothing else tells

    return "docker" if engine.answers(context.environ) else "local"


def told(context: Context, options: argparse.Namespace) -> Mode | None:
    """What the operator says or has said last; None where nobody does."""
    if options.docker or options.local:
        return "docker" if options.docker else "local"
    match _remembered(context.state_dir):
        case "docker" | "local" as remembered:
            return remembered
    return None


def remember(state_dir: Path, mode: Mode) -> None:
    """The two keep separate data: the next command without a wish means this one."""
    environment.make_state_dir(state_dir)
    write_private(state_dir / _FILE, f"{mode}\n")


def fault(state_dir: Path) -> str:
    """What is wrong with the file, in one line; empty where nothing is."""
    is_well = _remembered(state_dir) in (None, "docker", "local")
    return "" if is_well else f"{state_dir / _FILE} is damaged"


def _remembered(state_dir: Path) -> str | None:
    """What the file says, whatever it is worth; None where there is none."""
    try:
        return (state_dir / _FILE).read_text("utf-8").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError):
        return ""
