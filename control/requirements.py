"""The pinned requirement files, and whether they are installed."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

from control import services

_PIN = re.compile(
    r"(?m)^(?P<name>[A-Za-z0-9._-]+)(?:\[[^]]*])?==(?P<version>[^\s;\\]+)(?P<rest>.*)"
)
SERVICES = tuple(sorted(service.name for service in services.SERVICES if service.port))


def runtime_files(root: Path) -> tuple[Path, ...]:
    own = (root / name / "requirements.txt" for name in SERVICES)
    return (*own, root / "requirements-local.txt")


def development_files(root: Path) -> tuple[Path, ...]:
    """Return the requirements of the suite and of tests and checks, in one file."""
    return (root / "requirements-dev.txt",)


def compute_fingerprint(files: Iterable[Path]) -> str:
    """Return a digest of the pins."""
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def parse_names(files: Iterable[Path]) -> frozenset[str]:
    return frozenset(pin["name"] for pin in _iter_pins(files))


def are_installed(files: Iterable[Path]) -> bool:
    """Return whether the current interpreter has exactly these packages."""
    return all(map(_is_installed, _iter_pins(files)))


def _is_installed(pin: re.Match[str]) -> bool:
    try:
        return metadata.version(pin["name"]) == pin["version"]
    except metadata.PackageNotFoundError:
        return ";" in pin["rest"]  # a package with a marker may be missing


def _iter_pins(files: Iterable[Path]) -> Iterator[re.Match[str]]:
    for file in files:
        yield from _PIN.finditer(file.read_text("utf-8"))
