"""The number of processes of each service, stored in STATE_DIR for both modes."""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from control import services
from control.credentials import write_private_file
from control.errors import ControlError
from control.services import Service

MAX_REPLICAS = 16
REPAIR_ADVICE = "remove it, and say each number again (./manage.py start --replicas NAME=N)"
_REPLICAS_FILE = "replicas.json"


def parse_requested(options: argparse.Namespace) -> dict[str, int]:
    """Return the counts of `--replicas` by service; the last one counts."""
    return {name: count for counts in options.replicas for name, count in counts.items()}


def read(state_dir: Path, table: Sequence[Service]) -> dict[str, int]:
    """Return the stored counts. A service that is not named has one process.

    Raises ControlError for an invalid file.
    """
    file = state_dir / _REPLICAS_FILE
    try:
        counts = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        raise ControlError(f"{file} is damaged: {REPAIR_ADVICE}") from None
    if error := _find_error(counts, services.list_replicable(table)):
        raise ControlError(f"{file} {error}: {REPAIR_ADVICE}")
    return dict(counts)


def find_replicas_file_error(state_dir: Path, table: Sequence[Service]) -> str:
    """Return what is wrong with the file, in one line; empty if it is valid."""
    try:
        read(state_dir, table)
    except ControlError as error:
        return str(error).removesuffix(f": {REPAIR_ADVICE}")
    return ""


def save(state_dir: Path, counts: Mapping[str, int]) -> None:
    write_private_file(state_dir / _REPLICAS_FILE, json.dumps(counts))


def format_replica_name(service: str, number: int) -> str:
    """Return the displayed name: `assistant`, `assistant.2`, `assistant.3`."""
    return service if number == 1 else f"{service}.{number}"


def parse_service_name(replica: str) -> str:
    return replica.partition(".")[0]


def _find_error(counts: object, replicable: Sequence[str]) -> str:
    if not isinstance(counts, dict):
        return "does not say how many of which service"
    for service, count in counts.items():
        if service not in replicable:
            return f"names {service!r}; services with replicas: {', '.join(replicable)}"
        if type(count) is not int or not 1 <= count <= MAX_REPLICAS:
            return f"says {service}={count!r}; a number is from 1 to {MAX_REPLICAS}"
    return ""
