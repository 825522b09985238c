"""Choosing the mode: by an option, else the mode of the last start, else what is available."""

import argparse
from importlib import import_module
from pathlib import Path

from control import environment
from control.context import Context
from control.credentials import write_private_file
from control.errors import ControlError
from control.mode import Mode, ModeName

REPAIR_ADVICE = "give --docker or --local, whichever was used last; start writes the file again"
_MODE_FILE = "mode"
_CLASSES = {"docker": "DockerMode", "local": "LocalMode"}


def load(name: ModeName, context: Context) -> Mode:
    """Return a mode. Its modules are imported only now, to keep the other commands fast."""
    mode: Mode = getattr(import_module(f"control.{name}.mode"), _CLASSES[name])(context)
    return mode


def select(context: Context, options: argparse.Namespace) -> Mode:
    """Return the mode of a command. Raises ControlError if the file with it is damaged."""
    if name := find_selected_mode(context, options):
        return load(name, context)
    if error := find_mode_file_error(context.state_dir):
        raise ControlError(f"{error}: {REPAIR_ADVICE}")
    docker = load("docker", context)  # last, because finding the engine takes time
    return docker if docker.is_available() else load("local", context)


def find_selected_mode(context: Context, options: argparse.Namespace) -> ModeName | None:
    """Return the mode of the options or of the last start; None without either."""
    if options.docker or options.local:
        return "docker" if options.docker else "local"
    return read_last_mode(context.state_dir)


def read_last_mode(state_dir: Path) -> ModeName | None:
    """Return the mode of the last start; None before the first, or if the file is damaged."""
    match _read_mode_file(state_dir):
        case "docker" | "local" as mode:
            return mode
    return None


def save_last_mode(state_dir: Path, mode: ModeName) -> None:
    """Make it the mode of the next commands: the two modes have separate data."""
    environment.make_state_dir(state_dir)
    write_private_file(state_dir / _MODE_FILE, f"{mode}\n")


def find_mode_file_error(state_dir: Path) -> str:
    """Return what is wrong with the file, in one line; empty if it is valid or absent."""
    is_valid = _read_mode_file(state_dir) in (None, "docker", "local")
    return "" if is_valid else f"{state_dir / _MODE_FILE} is damaged"


def _read_mode_file(state_dir: Path) -> str | None:
    try:
        return (state_dir / _MODE_FILE).read_text("utf-8").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError):
        return ""
