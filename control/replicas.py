"""How many processes share the work of a service: kept in STATE_DIR, and the same in both modes."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

from control.credentials import write_private

MOST = 16
_FILE = "replicas.json"


def asked(options: argparse.Namespace) -> dict[str, int]:
    """What `--replicas` says, by service; the last word about one counts."""
    return {name: count for said in options.replicas for name, count in said.items()}


def read(state_dir: Path) -> dict[str, int]:
    """What was asked for; a service that is not named has one process."""
    try:
        counts: dict[str, int] = json.loads((state_dir / _FILE).read_text("utf-8"))
    except FileNotFoundError:
        return {}
    return counts


def keep(state_dir: Path, counts: Mapping[str, int]) -> None:
    write_private(state_dir / _FILE, json.dumps(counts))


def name(service: str, number: int) -> str:
    """What the operator reads: `assistant`, `assistant.2`, `assistant.3`."""
    return service if number == 1 else f"{service}.{number}"


def service_of(replica: str) -> str:
    return replica.partition(".")[0]
