"""The options of each command."""

import argparse
import os
from collections.abc import Sequence
from typing import Any, NoReturn

from control import argument_types, log_tail, requirements, services
from control.argument_types import USAGE_ERROR_STATUS
from control.errors import ControlError
from control.services import Service


class Parser(argparse.ArgumentParser):
    """Accepts no abbreviations; raises ControlError instead of exiting."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)

    def error(self, message: str) -> NoReturn:
        raise ControlError(
            f"{message.removeprefix('argument ')}; see {self.prog} --help", USAGE_ERROR_STATUS
        )


def add_mode_options(parser: Parser) -> None:
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--docker", action="store_true", help="in containers")
    chosen.add_argument("--local", action="store_true", help="as processes on this machine")


def none(parser: Parser, _: Sequence[Service]) -> None:
    pass


def service(parser: Parser, table: Sequence[Service]) -> None:
    _add_service_option(parser, "service", services.list_names(table))


def start(parser: Parser, table: Sequence[Service]) -> None:
    service(parser, table)
    names = services.list_replicable(table)
    parser.add_argument(
        "--replicas",
        action="append",
        default=[],
        type=argument_types.replica_counts_parser(table),
        metavar="NAME=N",
        help=f"run N processes of a service from now on: {', '.join(names)}"
        " (repeatable, or separated by commas)",
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
    _add_service_option(parser, "log", (*parts, *log_tail.MANAGE_LOGS))
    parser.add_argument("-f", "--follow", action="store_true", help="continue with new lines")
    parser.add_argument(
        "-n",
        "--lines",
        type=argument_types.integer_parser("number of lines"),
        default=100,
        metavar="N",
        help="number of lines; default: 100",
    )


def test(parser: Parser, _: Sequence[Service]) -> None:
    _add_service_option(parser, "part", (*requirements.SERVICES, "control", "smart_kit"))
    parser.add_argument(
        "--all",
        action="store_true",
        help="also slow tests (kills, storms, power loss), with coverage",
    )
    parser.add_argument(
        "--repeat",
        type=argument_types.integer_parser("number of runs", minimum=1),
        default=1,
        metavar="N",
        help="run the tests N times, even after failures",
    )
    parser.add_argument("--under-load", action="store_true", help="keep every core busy meanwhile")
    parser.add_argument("extra", nargs="*", metavar="PYTEST", help="arguments of pytest, after --")


def fuzz(parser: Parser, _: Sequence[Service]) -> None:
    parser.add_argument(
        "--cases",
        type=argument_types.integer_parser("number of cases"),
        default=20_000,
        metavar="N",
        help="minimum number of requests, in whole rounds; default: 20000. The first round has"
        " about 4500; from 10000 on, all are repeated with the services' token",
    )
    _add_seed_option(parser)


def chaos(parser: Parser, _: Sequence[Service]) -> None:
    for name, default, what in (
        ("minutes", 20, "duration in minutes"),
        ("messages", 3000, "number of messages"),
        ("chats", 40, "number of chats"),
    ):
        parser.add_argument(
            f"--{name}",
            type=argument_types.integer_parser(f"number of {name}"),
            default=default,
            metavar="N",
            help=f"{what}; default: {default}",
        )
    _add_seed_option(parser)


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
        type=argument_types.integer_parser("number of jobs", minimum=1),
        default=os.cpu_count() or 1,
        metavar="N",
        help="test N mutants in parallel; default: one per core",
    )
    parser.add_argument(
        "--survivors",
        action="store_true",
        help="only mutants that no failing test killed in an earlier run, including time-outs;"
        " tests that were weakened since go unnoticed",
    )


def check(parser: Parser, _: Sequence[Service]) -> None:
    parser.add_argument(
        "--fix",
        action="store_true",
        help="first write generated files, format and fix what ruff can",
    )


def migrate(parser: Parser, _: Sequence[Service]) -> None:
    parser.add_argument("message", help="a short description of the change")
    _add_schema_owner_option(parser)


def upgrade(parser: Parser, _: Sequence[Service]) -> None:
    _add_schema_owner_option(parser)


def rotate_keys(parser: Parser, _: Sequence[Service]) -> None:
    parser.add_argument(
        "--drop-old",
        action="store_true",
        help="create no key, but remove all except the newest, once no other suite needs them",
    )


def invite(parser: Parser, _: Sequence[Service]) -> None:
    parser.add_argument("--owner", action="store_true", help="for the owner, if there is none yet")


def chat(parser: Parser, _: Sequence[Service]) -> None:
    parser.add_argument("question", nargs="*", help="print the reply to this message and exit")
    parser.add_argument("--as", dest="person", metavar="NAME", help="the sandbox user to chat as")
    parser.add_argument(
        "--timeout",
        type=argument_types.parse_seconds,
        default=120.0,
        metavar="S",
        help="maximum number of seconds to wait for a reply",
    )


def supervise(parser: Parser, _: Sequence[Service]) -> None:
    parser.add_argument("--lock", type=int, required=True)
    parser.add_argument("--python", required=True)


def _add_seed_option(parser: Parser) -> None:
    parser.add_argument(
        "--seed",
        type=argument_types.integer_parser("seed"),
        metavar="S",
        help="repeat the run that used this seed; default: random",
    )


def _add_service_option(parser: Parser, kind: str, names: Sequence[str]) -> None:
    parser.add_argument(
        "--service",
        action="append",
        default=[],
        type=argument_types.choice_parser(kind, names),
        metavar="NAME",
        help="only this service or log (repeatable)",
    )


def _add_schema_owner_option(parser: Parser) -> None:
    parser.add_argument(
        "--service",
        action="append",
        type=argument_types.parse_schema_owner,
        metavar="NAME",
        help=f"only {services.SCHEMA_OWNER} has a schema",
    )
