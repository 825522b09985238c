"""Docker or local: what the operator says, else what they said last, else what is there."""

import argparse
from pathlib import Path
from typing import Literal

from control import environment
from control.context import Context
from control.credentials import write_private_file
from control.errors import ControlError

Mode = Literal["docker", "local"]
REPAIR_ADVICE = "say --docker or --local, whichever was started last: start writes it anew"
"""What to do about a file that cannot be used."""
_MODE_FILE = "mode"


def choose(context: Context, options: argparse.Namespace) -> Mode:
    """The mode of a command.

    Raises ControlError where nobody says it and what was said last cannot be read: the other mode
    has other data.
    """
    if mode := find_selected_mode(context, options):
        return mode
    if said := mode_file_error(context.state_dir):
        raise ControlError(f"{said}: {REPAIR_ADVICE}")
    from control.docker import engine  # asking takes a moment: only where nothing else tells

    return "docker" if engine.is_available(context.environ) else "local"


def find_selected_mode(context: Context, options: argparse.Namespace) -> Mode | None:
    """What the operator says or has said last; None where nobody does."""
    if options.docker or options.local:
        return "docker" if options.docker else "local"
    return read_last_mode(context.state_dir)


def read_last_mode(state_dir: Path) -> Mode | None:
    """The mode of the last start; None before the first, or where nobody can read it."""
    match _read_mode_file(state_dir):
        case "docker" | "local" as mode:
            return mode
    return None


def save_last_mode(state_dir: Path, mode: Mode) -> None:
    """The two keep separate data: the next command without a wish means this one."""
    environment.make_state_dir(state_dir)
    write_private_file(state_dir / _MODE_FILE, f"{mode}\n")


def mode_file_error(state_dir: Path) -> str:
    """What is wrong with the file, in one line; empty where nothing is."""
    is_valid = _read_mode_file(state_dir) in (None, "docker", "local")
    return "" if is_valid else f"{state_dir / _MODE_FILE} is damaged"


def _read_mode_file(state_dir: Path) -> str | None:
    """What the file says, whatever it is worth; None where there is none."""
    try:
        return (state_dir / _MODE_FILE).read_text("utf-8").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError):
        return ""
