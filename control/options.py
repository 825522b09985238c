"""The options of each command."""

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from control import argument_types, benchmark_scenarios, log_tail, requirements, services
from control.argument_types import integer_parser
from control.errors import UsageError
from control.services import Service


class Parser(argparse.ArgumentParser):
    """Accepts no abbreviations; raises UsageError instead of exiting."""

    is_intermixed = False
    """Whether positional arguments may be separated by options."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message.removeprefix('argument ')}; see {self.prog} --help")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        if not self.is_intermixed:
            return super().parse_known_args(args, namespace)
        self.is_intermixed = False  # this method is called again
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self.is_intermixed = True


def add_mode_options(parser: Parser, *, has_docker: bool = True) -> None:
    """Add --docker and --local; without `has_docker`, the help does not offer --docker."""
    chosen = parser.add_mutually_exclusive_group()
    note = "in containers" if has_docker else argparse.SUPPRESS
    chosen.add_argument("--docker", action="store_true", help=note)
    chosen.add_argument("--local", action="store_true", help="as processes on this machine")


def none(parser: Parser, _: Sequence[Service]) -> None:
    pass


def service(parser: Parser, table: Sequence[Service]) -> None:
    _add_service_option(parser, "service", services.list_selectable(table))


def start(parser: Parser, table: Sequence[Service]) -> None:
    service(parser, table)
    names = ", ".join(services.list_replicable(table))
    _add_repeatable(
        parser,
        "--replicas",
        "NAME=N",
        f"run N processes of a service from now on: {names} (repeatable, or separated by commas)",
        argument_types.replica_counts_parser(table),
    )


def stop(parser: Parser, table: Sequence[Service]) -> None:
    service(parser, table)
    note = "also delete the suite's data: database, queues, logs; asks first"
    _add_flag(parser, "--remove", note)
    _add_flag(parser, "--yes", "with --remove: do not ask")


def logs(parser: Parser, table: Sequence[Service]) -> None:
    parts = (*services.DATABASES, *(item.name for item in table))
    _add_service_option(parser, "log", (*parts, *log_tail.MANAGE_LOGS))
    parser.add_argument("-f", "--follow", action="store_true", help="continue with new lines")
    lines, note = integer_parser("number of lines"), "number of lines; default: 100"
    parser.add_argument("-n", "--lines", type=lines, default=100, metavar="N", help=note)


def test(parser: Parser, _: Sequence[Service]) -> None:
    _add_service_option(parser, "part", (*requirements.SERVICES, "control", "smart_kit"))
    _add_flag(parser, "--all", "also slow tests (kills, storms, power loss), with coverage")
    runs, note = integer_parser("number of runs", 1), "run the tests N times, even after failures"
    parser.add_argument("--repeat", type=runs, default=1, metavar="N", help=note)
    _add_flag(parser, "--under-load", "keep every core busy meanwhile")
    parser.add_argument("extra", nargs="*", metavar="PYTEST", help="arguments of pytest, after --")


def fuzz(parser: Parser, _: Sequence[Service]) -> None:
    parser.add_argument(
        "--cases",
        type=integer_parser("number of cases"),
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
        amount, note = integer_parser(f"number of {name}"), f"{what}; default: {default}"
        parser.add_argument(f"--{name}", type=amount, default=default, metavar="N", help=note)
    _add_seed_option(parser)


def bench(parser: Parser, _: Sequence[Service]) -> None:
    parser.is_intermixed = True
    parser.epilog = (
        "Without SCENARIO, it takes about half an hour; docs/performance.md explains the figures."
    )
    parser.add_argument(
        "scenarios",
        nargs="*",
        type=argument_types.choice_parser("scenario", benchmark_scenarios.ALL),
        metavar="SCENARIO",
        help=f"{', '.join(benchmark_scenarios.DEFAULT)} (default: all of these);"
        f" {', '.join(benchmark_scenarios.LONG)}",
    )
    runs, note = integer_parser("number of runs", 1), "measure everything N times; default: 3"
    parser.add_argument("--runs", type=runs, metavar="N", help=note)
    _add_flag(parser, "--quick", "a small version of each scenario, once: for a look")
    minutes, note = integer_parser("number of minutes", 1), "duration of soak; default: 10"
    parser.add_argument("--minutes", type=minutes, metavar="N", help=note)
    note = "write all figures to a file"
    parser.add_argument("--json", type=Path, metavar="FILE", help=note)
    note = "show the ratios to the figures in a file of --json"
    parser.add_argument("--compare", type=Path, metavar="FILE", help=note)


def mutate(parser: Parser, _: Sequence[Service]) -> None:
    note = "only this key module of pyproject.toml (repeatable)"
    _add_repeatable(parser, "--module", "NAME", note)
    jobs, cores = integer_parser("number of jobs", 1), os.cpu_count() or 1
    note = "test N mutants in parallel; default: one per core"
    parser.add_argument("--jobs", type=jobs, default=cores, metavar="N", help=note)
    _add_flag(
        parser,
        "--survivors",
        "only mutants that no failing test killed in an earlier run, including time-outs;"
        " tests that were weakened since go unnoticed",
    )


def check(parser: Parser, _: Sequence[Service]) -> None:
    _add_flag(parser, "--fix", "first write generated files, format and fix what ruff can")


def migrate(parser: Parser, _: Sequence[Service]) -> None:
    parser.add_argument("message", help="a short description of the change")
    _add_schema_owner_option(parser)


def upgrade(parser: Parser, _: Sequence[Service]) -> None:
    _add_schema_owner_option(parser)


def rotate_keys(parser: Parser, _: Sequence[Service]) -> None:
    _add_flag(
        parser,
        "--drop-old",
        "create no key, but remove all except the newest, once no other suite needs them",
    )


def invite(parser: Parser, _: Sequence[Service]) -> None:
    _add_flag(parser, "--owner", "for the owner, if there is none yet")


def chat(parser: Parser, _: Sequence[Service]) -> None:
    parser.add_argument("question", nargs="*", help="print the reply to this message and exit")
    parser.add_argument("--as", dest="person", metavar="NAME", help="the sandbox user to chat as")
    seconds, note = argument_types.parse_seconds, "maximum number of seconds to wait for a reply"
    parser.add_argument("--timeout", type=seconds, default=120.0, metavar="S", help=note)


def supervise(parser: Parser, _: Sequence[Service]) -> None:
    parser.add_argument("--lock", type=int, required=True)
    parser.add_argument("--python", required=True)


def _add_flag(parser: Parser, name: str, note: str) -> None:
    parser.add_argument(name, action="store_true", help=note)


def _add_repeatable(
    parser: Parser, name: str, metavar: str, note: str, kind: Callable[[str], object] = str
) -> None:
    parser.add_argument(name, action="append", default=[], type=kind, metavar=metavar, help=note)


def _add_seed_option(parser: Parser) -> None:
    note = "repeat the run that used this seed; default: random"
    parser.add_argument("--seed", type=integer_parser("seed"), metavar="S", help=note)


def _add_service_option(parser: Parser, kind: str, names: Sequence[str]) -> None:
    choice = argument_types.choice_parser(kind, names)
    _add_repeatable(parser, "--service", "NAME", f"only this {kind} (repeatable)", choice)


def _add_schema_owner_option(parser: Parser) -> None:
    note = f"only {services.SCHEMA_OWNER} has a schema"
    _add_repeatable(parser, "--service", "NAME", note, argument_types.parse_schema_owner)
