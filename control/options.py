"""The options of each command, and one voice for what is wrong with them."""

import argparse
import os
from collections.abc import Sequence
from typing import Any, NoReturn

from control import argument_types, log_tail, requirements, services
from control.argument_types import USAGE_ERROR_STATUS
from control.errors import ControlError
from control.services import Service


class Parser(argparse.ArgumentParser):
    """Takes whole words only; raises ControlError for what it cannot take."""

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


def add_no_options(parser: Parser, _: Sequence[Service]) -> None:
    """None of its own."""


def add_service_options(parser: Parser, table: Sequence[Service]) -> None:
    _add_service_option(parser, "service", services.list_names(table))


def add_start_options(parser: Parser, table: Sequence[Service]) -> None:
    add_service_options(parser, table)
    names = services.list_replicable(table)
    parser.add_argument(
        "--replicas",
        action="append",
        default=[],
        type=argument_types.replica_counts_parser(table),
        metavar="NAME=N",
        help=f"that N processes share the work of {', '.join(names)}, until said otherwise"
        " (repeatable, or with commas)",
    )


def add_stop_options(parser: Parser, table: Sequence[Service]) -> None:
    add_service_options(parser, table)
    parser.add_argument(
        "--remove",
        action="store_true",
        help="also delete the suite's data: database, queues, logs; asks first",
    )
    parser.add_argument("--yes", action="store_true", help="with --remove: do not ask")


def add_logs_options(parser: Parser, table: Sequence[Service]) -> None:
    parts = (*services.DATABASES, *(item.name for item in table))
    _add_service_option(parser, "log", (*parts, *log_tail.MANAGE_LOGS))
    parser.add_argument("-f", "--follow", action="store_true", help="go on with what is added")
    parser.add_argument(
        "-n",
        "--lines",
        type=argument_types.integer_parser("number of lines"),
        default=100,
        metavar="N",
        help="how many; default: 100",
    )


def add_test_options(parser: Parser, _: Sequence[Service]) -> None:
    _add_service_option(parser, "part", (*requirements.SERVICES, "control", "smart_kit"))
    parser.add_argument(
        "--all",
        action="store_true",
        help="also kills, storms, power loss and whatever else takes its time, with coverage",
    )
    parser.add_argument(
        "--repeat",
        type=argument_types.integer_parser("number of runs", minimum=1),
        default=1,
        metavar="N",
        help="so often, one after the other, whatever becomes of each",
    )
    parser.add_argument(
        "--under-load", action="store_true", help="while a busy loop takes each core"
    )
    parser.add_argument("extra", nargs="*", metavar="PYTEST", help="more for pytest, after --")


def add_fuzz_options(parser: Parser, _: Sequence[Service]) -> None:
    parser.add_argument(
        "--cases",
        type=argument_types.integer_parser("number of cases"),
        default=20_000,
        metavar="N",
        help="at least so many, in whole rounds; default: 20000. The first round makes some 4500;"
        " from 10000 on everything is also done with the services' token",
    )
    _add_seed_option(parser)


def add_chaos_options(parser: Parser, _: Sequence[Service]) -> None:
    for name, default, what in (
        ("minutes", 20, "how long people write and processes die"),
        ("messages", 3000, "how many they write"),
        ("chats", 40, "how many people"),
    ):
        parser.add_argument(
            f"--{name}",
            type=argument_types.integer_parser(f"number of {name}"),
            default=default,
            metavar="N",
            help=f"{what}; default: {default}",
        )
    _add_seed_option(parser)


def add_mutate_options(parser: Parser, _: Sequence[Service]) -> None:
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
        help="so many mutants at once; default: one for each core",
    )
    parser.add_argument(
        "--survivors",
        action="store_true",
        help="only mutants that no failing test of an earlier run has killed, and so time-outs too:"
        " whether tests have become worse since is not seen",
    )


def add_check_options(parser: Parser, _: Sequence[Service]) -> None:
    parser.add_argument(
        "--fix",
        action="store_true",
        help="first write generated files, format and fix what ruff can",
    )


def add_migrate_options(parser: Parser, _: Sequence[Service]) -> None:
    parser.add_argument("message", help="what changes, in a few words")
    _add_schema_owner_option(parser)


def add_upgrade_options(parser: Parser, _: Sequence[Service]) -> None:
    _add_schema_owner_option(parser)


def add_rotate_keys_options(parser: Parser, _: Sequence[Service]) -> None:
    parser.add_argument(
        "--drop-old",
        action="store_true",
        help="no new key, but none beside the newest any more: when no other suite needs them",
    )


def add_invite_options(parser: Parser, _: Sequence[Service]) -> None:
    parser.add_argument("--owner", action="store_true", help="as the owner, while there is none")


def add_chat_options(parser: Parser, _: Sequence[Service]) -> None:
    parser.add_argument("question", nargs="*", help="print the answer to this, and end")
    parser.add_argument("--as", dest="person", metavar="NAME", help="who of the sandbox to be")
    parser.add_argument(
        "--timeout",
        type=argument_types.parse_seconds,
        default=120.0,
        metavar="S",
        help="seconds an answer may take",
    )


def add_supervise_options(parser: Parser, _: Sequence[Service]) -> None:
    parser.add_argument("--lock", type=int, required=True)
    parser.add_argument("--python", required=True)


def _add_seed_option(parser: Parser) -> None:
    parser.add_argument(
        "--seed",
        type=argument_types.integer_parser("seed"),
        metavar="S",
        help="do again what was done with it; default: another one each time",
    )


def _add_service_option(parser: Parser, kind: str, names: Sequence[str]) -> None:
    parser.add_argument(
        "--service",
        action="append",
        default=[],
        type=argument_types.choice_parser(kind, names),
        metavar="NAME",
        help="only this one (repeatable)",
    )


def _add_schema_owner_option(parser: Parser) -> None:
    parser.add_argument(
        "--service",
        action="append",
        type=argument_types.parse_schema_owner,
        metavar="NAME",
        help=f"{services.SCHEMA_OWNER}: no other has a schema",
    )
