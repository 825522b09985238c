"""How many processes share the work of a service: kept in STATE_DIR, and the same in both modes."""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from control import services
from control.credentials import write_private
from control.errors import ControlError
from control.services import Service

MOST = 16
ADVICE = "remove it, and say each number again (./manage.py start --replicas NAME=N)"
"""What to do about a file that cannot be used."""
_FILE = "replicas.json"


def asked(options: argparse.Namespace) -> dict[str, int]:
    """What `--replicas` says, by service; the last word about one counts."""
    return {name: count for said in options.replicas for name, count in said.items()}


def read(state_dir: Path, table: Sequence[Service]) -> dict[str, int]:
    """What was asked for; a service that is not named has one process.

    Raises ControlError for a file that says what nobody can have asked for.
    """
    try:
        return _checked((state_dir / _FILE).read_text("utf-8"), services.replicable(table))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ControlError(f"{state_dir / _FILE} {_fault(error)}: {ADVICE}") from None


def fault(state_dir: Path, table: Sequence[Service]) -> str:
    """What is wrong with the file, in one line; empty where nothing is."""
    try:
        read(state_dir, table)
    except ControlError as error:
        return str(error).removesuffix(f": {ADVICE}")
    return ""


def keep(state_dir: Path, counts: Mapping[str, int]) -> None:
    write_private(state_dir / _FILE, json.dumps(counts))


def name(service: str, number: int) -> str:
    """What the operator reads: `assistant`, `assistant.2`, `assistant.3`."""
    return service if number == 1 else f"{service}.{number}"


def service_of(replica: str) -> str:
    return replica.partition(".")[0]


class _Impossible(ValueError):
    """The file can be read, but not meant."""


def _checked(text: str, can: Sequence[str]) -> dict[str, int]:
    counts = json.loads(text)
    if not isinstance(counts, dict):
        raise _Impossible("does not say how many of which service")
    for service, count in counts.items():
        if service not in can:
            raise _Impossible(f"names {service!r}; there can be several of: {', '.join(can)}")
        if type(count) is not int or not 1 <= count <= MOST:
            raise _Impossible(f"says {service}={count!r}; a number is from 1 to {MOST}")
    return counts


def _fault(error: ValueError) -> str:
    return str(error) if isinstance(error, _Impossible) else "is damaged"
