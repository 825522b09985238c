"""The modules on which the promises rest, as pyproject.toml names them."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from control.errors import ControlError


@dataclass(frozen=True)
class KeyModule:
    """Files that are measured together."""

    name: str
    files: tuple[Path, ...]
    """Relative to the repository."""


def read(root: Path) -> Iterator[KeyModule]:
    """All of them; raises ControlError for a pattern that no file matches."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    for name, patterns in project["tool"]["smart-assistant"]["key-modules"].items():
        files = {path for pattern in patterns for path in _matching(root, name, pattern)}
        yield KeyModule(name, tuple(sorted(files)))


def _matching(root: Path, name: str, pattern: str) -> list[Path]:
    found = [path.relative_to(root) for path in root.glob(pattern) if path.suffix == ".py"]
    if not found:
        raise ControlError(f"pyproject.toml: no file matches {pattern!r} of the key module {name}")
    return found
