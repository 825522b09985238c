"""Types of command-line arguments. Each raises ControlError for invalid text."""

import math
from collections.abc import Callable, Sequence

from control import replicas, services
from control.errors import ControlError
from control.services import Service

USAGE_ERROR_STATUS = 2
"""The exit status after an error in the command line."""


def parse_schema_owner(text: str) -> str:
    if text != services.SCHEMA_OWNER:
        raise ControlError(
            f"{text} has no schema, only {services.SCHEMA_OWNER} has one", USAGE_ERROR_STATUS
        )
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
        raise ControlError(
            f"--replicas takes NAME=N, as in {replicable[0]}=3, not {text!r}", USAGE_ERROR_STATUS
        )
    if name not in replicable:
        known = name in services.list_names(table)
        error = f"{name} cannot have replicas" if known else f"there is no service {name!r}"
        raise ControlError(
            f"{error}; services with replicas: {', '.join(replicable)}", USAGE_ERROR_STATUS
        )
    if not (number.isascii() and number.isdecimal() and 1 <= int(number) <= replicas.MAX_REPLICAS):
        raise ControlError(
            f"a number of replicas is from 1 to {replicas.MAX_REPLICAS}, not {number!r} ({text})",
            USAGE_ERROR_STATUS,
        )
    return name, int(number)


def choice_parser(kind: str, names: Sequence[str]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in names:
            raise ControlError(
                f"there is no {kind} {text!r}; there are: {', '.join(names)}", USAGE_ERROR_STATUS
            )
        return text

    return parse


def integer_parser(name: str, minimum: int = 0) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and int(text) >= minimum):
            raise ControlError(f"a {name} is {minimum} or more, not {text!r}", USAGE_ERROR_STATUS)
        return int(text)

    return parse


def parse_seconds(text: str) -> float:
    try:
        amount = float(text)
    except ValueError:
        amount = math.nan
    if not 0 < amount < math.inf:
        raise ControlError(
            f"a timeout is a number of seconds above 0, not {text!r}", USAGE_ERROR_STATUS
        )
    return amount
