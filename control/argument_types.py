"""Types of command-line arguments. Each raises UsageError for invalid text."""

import math
from collections.abc import Callable, Sequence

from control import replicas, services
from control.errors import UsageError
from control.services import Service


def parse_schema_owner(text: str) -> str:
    if text != services.SCHEMA_OWNER:
        raise UsageError(f"{text} has no schema, only {services.SCHEMA_OWNER} has one")
    return text


def replica_counts_parser(table: Sequence[Service]) -> Callable[[str], dict[str, int]]:
    """Return a parser of counts such as `assistant=3,rest_service=2`."""

    def parse(text: str) -> dict[str, int]:
        return dict(_parse_replica_count(table, part.strip()) for part in text.split(","))

    return parse


def _parse_replica_count(table: Sequence[Service], text: str) -> tuple[str, int]:
    name, sign, number = text.partition("=")
    replicable = services.list_replicable(table)
    if not sign:
        raise UsageError(f"--replicas takes NAME=N, as in {replicable[0]}=3, not {text!r}")
    if name not in replicable:
        known = name in services.list_selectable(table)
        error = f"{name} cannot have replicas" if known else f"there is no service {name!r}"
        raise UsageError(f"{error}; services with replicas: {', '.join(replicable)}")
    if not (_is_integer(number) and 1 <= int(number) <= replicas.MAX_REPLICAS):
        raise UsageError(
            f"a number of replicas is from 1 to {replicas.MAX_REPLICAS}, not {number!r} ({text})"
        )
    return name, int(number)


def choice_parser(kind: str, names: Sequence[str]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in names:
            raise UsageError(f"there is no {kind} {text!r}; there are: {', '.join(names)}")
        return text

    return parse


def integer_parser(name: str, minimum: int = 0) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (_is_integer(text) and int(text) >= minimum):
            raise UsageError(f"a {name} is {minimum} or more, not {text!r}")
        return int(text)

    return parse


def parse_seconds(text: str) -> float:
    try:
        amount = float(text)
    except ValueError:
        amount = math.nan
    if not 0 < amount < math.inf:
        raise UsageError(f"a timeout is a number of seconds above 0, not {text!r}")
    return amount


def _is_integer(text: str) -> bool:
    return text.isascii() and text.isdecimal()
