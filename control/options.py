"""The options of each command, and one voice for what is wrong with them."""

import argparse
import os
from collections.abc import Sequence
from typing import Any, NoReturn

from control import arguments, journal, requirements, services
from control.arguments import USAGE
from control.errors import ControlError
from control.services import Service


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


def start(parser: Parser, table: Sequence[Service]) -> None:
    service(parser, table)
    names = services.replicable(table)
    parser.add_argument(
        "--replicas",
        action="append",
        default=[],
        type=arguments.counts(table),
        metavar="NAME=N",
        help=f"that N processes share the work of {', '.join(names)}, until said otherwise"
        " (repeatable, or with commas)",
    )


def stop(parser: Parser, table: Sequence[Service]) -> None:
    service(parser, table)
    parser.add_argument(
        "--remove",
        action="store_true",
        help="also delete the suite's data: database, queues, logs; asks first",
    )
    parser.add_argument("--yes", action="store_true", help="with --remove: do not ask")


def logs(parser: Parser, table: Sequence[Service]) -> None:
    parts = (*services.DATABASES, *(item.name for item in table))
    _named(parser, "log", (*parts, *journal.OF_MANAGE))
    parser.add_argument("-f", "--follow", action="store_true", help="go on with what is added")
    parser.add_argument(
        "-n",
        "--lines",
        type=arguments.number("number of lines"),
        default=100,
        metavar="N",
        help="how many; default: 100",
    )


def test(parser: Parser, _: Sequence[Service]) -> None:
    _named(parser, "part", (*requirements.SERVICES, "control", "smart_kit"))
    parser.add_argument(
        "--all",
        action="store_true",
        help="also kills, storms, power loss and whatever else takes its time, with coverage",
    )
    parser.add_argument(
        "--repeat",
        type=arguments.number("number of runs", least=1),
        default=1,
        metavar="N",
        help="so often, one after the other, whatever becomes of each",
    )
    parser.add_argument(
        "--beside-load", action="store_true", help="while a busy loop takes each core"
    )
    parser.add_argument("extra", nargs="*", metavar="PYTEST", help="more for pytest, after --")


def fuzz(parser: Parser, _: Sequence[Service]) -> None:
    parser.add_argument(
        "--cases",
        type=arguments.number("number of cases"),
        default=20_000,
        metavar="N",
        help="at least so many, in whole rounds; default: 20000. The first round makes some 4500;"
        " from 10000 on everything is also done with the services' token",
    )
    _seed(parser)


def chaos(parser: Parser, _: Sequence[Service]) -> None:
    for name, default, what in (
        ("minutes", 20, "how long people write and processes die"),
        ("messages", 3000, "how many they write"),
        ("chats", 40, "how many people"),
    ):
        parser.add_argument(
            f"--{name}",
            type=arguments.number(f"number of {name}"),
            default=default,
            metavar="N",
            help=f"{what}; default: {default}",
        )
    _seed(parser)


def mutate(parser: Parser, _: Sequence[Service]) -> None:
    parser.add_argument(
        "--module",
        action="append",
        default=[],
        metavar="NAME",
        help="only this key module of pyproject.toml (repeatable)",
    )
    parser.add_argument(
        "--jobs",
        type=arguments.number("number of jobs", least=1),
        default=os.cpu_count() or 1,
        metavar="N",
        help="so many mutants at once; default: one for each core",
    )
    parser.add_argument(
        "--survivors",
        action="store_true",
        help="only mutants that no failing test of an earlier run has killed, and so time-outs too:"
        " whether tests have become worse since is not seen",
    )


def migrate(parser: Parser, _: Sequence[Service]) -> None:
    parser.add_argument("message", help="what changes, in a few words")
    _owner_of_schema(parser)


def upgrade(parser: Parser, _: Sequence[Service]) -> None:
    _owner_of_schema(parser)


def rotate_keys(parser: Parser, _: Sequence[Service]) -> None:
    parser.add_argument(
        "--drop-old",
        action="store_true",
        help="no new key, but none beside the newest any more: when no other suite needs them",
    )


def invite(parser: Parser, _: Sequence[Service]) -> None:
    parser.add_argument("--owner", action="store_true", help="as the owner, while there is none")


def chat(parser: Parser, _: Sequence[Service]) -> None:
    parser.add_argument("question", nargs="*", help="print the answer to this, and end")
    parser.add_argument("--as", dest="person", metavar="NAME", help="who of the sandbox to be")
    parser.add_argument(
        "--patience",
        type=arguments.seconds,
        default=120.0,
        metavar="S",
        help="seconds an answer may take",
    )


def supervise(parser: Parser, _: Sequence[Service]) -> None:
    parser.add_argument("--lock", type=int, required=True)
    parser.add_argument("--python", required=True)


def _seed(parser: Parser) -> None:
    parser.add_argument(
        "--seed",
        type=arguments.number("seed"),
        metavar="S",
        help="do again what was done with it; default: another one each time",
    )


def _named(parser: Parser, kind: str, names: Sequence[str]) -> None:
    parser.add_argument(
        "--service",
        action="append",
        default=[],
        type=arguments.one_of(kind, names),
        metavar="NAME",
        help="only this one (repeatable)",
    )


def _owner_of_schema(parser: Parser) -> None:
    parser.add_argument(
        "--service",
        action="append",
        type=arguments.owner_of_schema,
        metavar="NAME",
        help=f"{services.WITH_SCHEMA}: no other has a schema",
    )
