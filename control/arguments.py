"""What a word of the command line may be; raises ControlError for what it may not."""

import math
from collections.abc import Callable, Sequence

from control import replicas, services
from control.errors import ControlError
from control.services import Service

USAGE = 2
"""The exit status where the command line itself is at fault."""


def owner_of_schema(text: str) -> str:
    if text != services.WITH_SCHEMA:
        raise ControlError(f"{text} has no schema: only {services.WITH_SCHEMA} has one", USAGE)
    return text


def counts(table: Sequence[Service]) -> Callable[[str], dict[str, int]]:
    """`assistant=3,rest_service=2`."""

    def checked(text: str) -> dict[str, int]:
        return dict(_count(table, part.strip()) for part in text.split(","))

    return checked


def _count(table: Sequence[Service], text: str) -> tuple[str, int]:
    name, sign, number = text.partition("=")
    can = services.replicable(table)
    if not sign:
        raise ControlError(f"--replicas takes NAME=N, as in {can[0]}=3, not {text!r}", USAGE)
    if name not in can:
        known = name in services.names(table)
        fault = f"{name} runs once" if known else f"there is no service {name!r}"
        raise ControlError(f"{fault}; there can be several of: {', '.join(can)}", USAGE)
    if not (number.isascii() and number.isdecimal() and 1 <= int(number) <= replicas.MOST):
        raise ControlError(
            f"a number of replicas is from 1 to {replicas.MOST}, not {number!r} ({text})", USAGE
        )
    return name, int(number)


def one_of(kind: str, names: Sequence[str]) -> Callable[[str], str]:
    def checked(text: str) -> str:
        if text not in names:
            raise ControlError(f"there is no {kind} {text!r}; there are: {', '.join(names)}", USAGE)
        return text

    return checked


def number(what: str, least: int = 0) -> Callable[[str], int]:
    def checked(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and int(text) >= least):
            raise ControlError(f"a {what} is {least} or more, not {text!r}", USAGE)
        return int(text)

    return checked


def seconds(text: str) -> float:
    try:
        amount = float(text)
    except ValueError:
        amount = math.nan
    if not 0 < amount < math.inf:
        raise ControlError(f"a patience is a number of seconds above 0, not {text!r}", USAGE)
    return amount
