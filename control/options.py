"""The options of each command, and one voice for what is wrong with them."""

import argparse
import math
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from control import journal, requirements, services
from control.errors import ControlError
from control.services import Service

USAGE = 2
"""The exit status where the command line itself is at fault."""


class Parser(argparse.ArgumentParser):
    """Takes whole words only; raises ControlError for what it cannot take."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)

    def error(self, message: str) -> NoReturn:
        raise ControlError(f"{message.removeprefix('argument ')}; see {self.prog} --help", USAGE)


def mode(parser: Parser) -> None:
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--docker", action="store_true", help="in containers")
    chosen.add_argument("--local", action="store_true", help="as processes on this machine")


def none(parser: Parser, _: Sequence[Service]) -> None:
    """None of its own."""


def service(parser: Parser, table: Sequence[Service]) -> None:
    _named(parser, "service", services.names(table))


def logs(parser: Parser, table: Sequence[Service]) -> None:
    parts = (*services.DATABASES, *(item.name for item in table))
    _named(parser, "log", (*parts, *journal.OF_MANAGE))
    parser.add_argument("-f", "--follow", action="store_true", help="go on with what is added")
    parser.add_argument(
        "-n",
        "--lines",
        type=_number("number of lines"),
        default=100,
        metavar="N",
        help="how many; default: 100",
    )


def test(parser: Parser, _: Sequence[Service]) -> None:
    _named(parser, "part", (*requirements.SERVICES, "control", "smart_kit"))
    parser.add_argument("extra", nargs="*", metavar="PYTEST", help="more for pytest, after --")


def fuzz(parser: Parser, _: Sequence[Service]) -> None:
    parser.add_argument(
        "--cases",
        type=_number("number of cases"),
        default=20_000,
        metavar="N",
        help="at least so many; default: 20000",
    )
    parser.add_argument(
        "--seed",
        type=_number("seed"),
        metavar="S",
        help="do again what was done with it; default: another one each time",
    )


def migrate(parser: Parser, _: Sequence[Service]) -> None:
    parser.add_argument("message", help="what changes, in a few words")


def invite(parser: Parser, _: Sequence[Service]) -> None:
    parser.add_argument("--owner", action="store_true", help="as the owner, while there is none")


def chat(parser: Parser, _: Sequence[Service]) -> None:
    parser.add_argument("question", nargs="*", help="print the answer to this, and end")
    parser.add_argument("--as", dest="person", metavar="NAME", help="who of the sandbox to be")
    parser.add_argument(
        "--patience", type=_seconds, default=120.0, metavar="S", help="seconds an answer may take"
    )


def supervise(parser: Parser, _: Sequence[Service]) -> None:
    parser.add_argument("--lock", type=int, required=True)
    parser.add_argument("--python", required=True)


def _named(parser: Parser, kind: str, names: Sequence[str]) -> None:
    parser.add_argument(
        "--service",
        action="append",
        default=[],
        type=_one_of(kind, names),
        metavar="NAME",
        help="only this one (repeatable)",
    )


def _one_of(kind: str, names: Sequence[str]) -> Callable[[str], str]:
    def checked(text: str) -> str:
        if text not in names:
            raise ControlError(f"there is no {kind} {text!r}; there are: {', '.join(names)}", USAGE)
        return text

    return checked


def _number(what: str) -> Callable[[str], int]:
    def checked(text: str) -> int:
        if not (text.isascii() and text.isdecimal()):
            raise ControlError(f"a {what} is 0 or more, not {text!r}", USAGE)
        return int(text)

    return checked


def _seconds(text: str) -> float:
    try:
        amount = float(text)
    except ValueError:
        amount = math.nan
    if not 0 < amount < math.inf:
        raise ControlError(f"a patience is a number of seconds above 0, not {text!r}", USAGE)
    return amount
