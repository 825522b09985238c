"""The key modules, as pyproject.toml lists them."""

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
    tests: tuple[str, ...] = ()
    """Files and folders of the tests that cover the module and kill its mutants."""


def read(root: Path) -> Iterator[KeyModule]:
    """Yield all key modules. Raises ControlError for paths that do not exist."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    table = project["tool"]["smart-assistant"]
    tests = table.get("key-module-tests", {})
    for name in tests.keys() - table["key-modules"].keys():
        raise ControlError(f"pyproject.toml: tests are named for {name}, which is no key module")
    for name, patterns in table["key-modules"].items():
        files = {path for pattern in patterns for path in _find_files(root, name, pattern)}
        parts = sorted({path.parts[0] for path in files})
        places = tests.get(name, [f"{part}/tests" for part in parts])
        for place in tests.get(name, ()):
            if not (root / place).exists():
                raise ControlError(f"pyproject.toml: the tests {place!r} of {name} do not exist")
        yield KeyModule(name, tuple(sorted(files)), tuple(places))


def _find_files(root: Path, name: str, pattern: str) -> list[Path]:
    found = [path.relative_to(root) for path in root.glob(pattern) if path.suffix == ".py"]
    if not found:
        raise ControlError(f"pyproject.toml: no file matches {pattern!r} of the key module {name}")
    return found
