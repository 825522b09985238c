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
    """Return the requirements of the suite."""
    return (
        *(root / name / "requirements.txt" for name in SERVICES),
        root / "requirements-local.txt",
    )


def development_files(root: Path) -> tuple[Path, ...]:
    """Return the requirements of the suite and of tests and checks, in one file."""
    return (root / "requirements-dev.txt",)


def compute_fingerprint(files: Iterable[Path]) -> str:
    """Return a digest of the pins."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def parse_names(files: Iterable[Path]) -> frozenset[str]:
    return frozenset(pin["name"] for pin in _iter_pins(files))


def are_installed(files: Iterable[Path]) -> bool:
    """Return whether the current interpreter has exactly these packages.

    A pin with a marker may be missing, but not have another version.
    """
    for pin in _iter_pins(files):
        try:
            version = metadata.version(pin["name"])
        except metadata.PackageNotFoundError:
            if ";" in pin["rest"]:
                continue
            return False
        if version != pin["version"]:
            return False
    return True


def _iter_pins(files: Iterable[Path]) -> Iterator[re.Match[str]]:
    for file in files:
        yield from _PIN.finditer(file.read_text("utf-8"))
