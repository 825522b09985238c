"""The commands of `manage.py` and their dispatch."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from control import options
from control.context import Context
from control.errors import ControlError, UsageError, did_you_mean
from control.options import Parser
from control.services import Service
from control.terminal import Terminal

_INTERRUPTED_STATUS = 130


@dataclass(frozen=True)
class CliCommand:
    """A command of `manage.py`."""

    name: str
    help: str | None
    """One line; None hides the command."""
    entry_point: str
    """`module:function`, relative to control.commands as in an import statement."""
    add_options: Callable[[Parser, Sequence[Service]], None]


COMMANDS = (
    CliCommand("start", "start the suite or its missing parts", "suite:start", options.start),
    CliCommand("stop", "stop the suite and wait until it is gone", "suite:stop", options.stop),
    CliCommand("restart", "restart the suite", "suite:restart", options.service),
    CliCommand("status", "show what runs and its health", "suite:status", options.service),
    CliCommand("logs", "show the last log lines; -f follows", "suite:logs", options.logs),
    CliCommand("chat", "talk to the assistant in the sandbox", "chat:run", options.chat),
    CliCommand("invite", "create an invitation link", "invite:run", options.invite),
    CliCommand("doctor", "find what prevents the suite from working", "doctor:run", options.none),
    CliCommand("test", "run the tests; --all also the slow ones", "test:run", options.test),
    CliCommand("fuzz", "fuzz the REST API", "test:fuzz", options.fuzz),
    CliCommand("chaos", "kill processes; nothing may be lost", "test:chaos", options.chaos),
    CliCommand("bench", "measure speed, CPU and memory", "bench:run", options.bench),
    CliCommand("mutate", "mutation testing of the key modules", "mutate:run", options.mutate),
    CliCommand(
        "check", "format, lint, types, imports, generated files", "check:run", options.check
    ),
    CliCommand("migrate", "write a migration of the schema", "schema:migrate", options.migrate),
    CliCommand("upgrade", "bring the schema up to date", "schema:upgrade", options.upgrade),
    CliCommand("rotate-keys", "replace the master key", "rotate_keys:run", options.rotate_keys),
    CliCommand("rebuild", "reinstall the services' dependencies", "suite:rebuild", options.service),
    CliCommand("supervise", None, ".local.supervisor:run", options.supervise),
)


def main(argv: Sequence[str] | None = None, context: Context | None = None) -> int:
    """Run a command. Return its exit status; print errors as one line."""
    root = Path(__file__).resolve().parent.parent
    context = context or Context(root, root / "manage.py", dict(os.environ), Terminal.from_stream())
    argv = sys.argv[1:] if argv is None else argv
    try:
        if argv and argv[0] == "--version":
            context.terminal.print_line(context.version)
            return 0
        return _run_command(context, _parse_arguments(argv, context.services))
    except ControlError as error:
        return _print_error(context, str(error), error.status)
    except KeyboardInterrupt:
        context.terminal.clear_progress()
        return _INTERRUPTED_STATUS
    except BrokenPipeError:  # as in `./manage.py logs | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        place = f": {error.filename}" if error.filename else ""
        return _print_error(context, f"{error.strerror or error}{place}", 1)


def _print_error(context: Context, message: str, status: int) -> int:
    context.terminal.clear_progress()
    print(f"manage.py: {message}", file=sys.stderr)
    return status


def _parse_arguments(argv: Sequence[str], table: Sequence[Service]) -> argparse.Namespace:
    first = argv[0] if argv else "--help"
    if first not in ("-h", "--help", *(command.name for command in COMMANDS)):
        shown = [command.name for command in COMMANDS if command.help]
        advice = did_you_mean(first, shown, "see ./manage.py --help")
        raise UsageError(f"there is no command {first!r}; {advice}")
    chosen: argparse.Namespace
    chosen, unknown = _build_parser(table).parse_known_args(argv or [first])
    if unknown:
        more = "; arguments of pytest follow after --" if hasattr(chosen, "extra") else ""
        raise UsageError(
            f"{first} does not take {unknown[0]!r}; see ./manage.py {first} --help{more}"
        )
    return chosen


def _build_parser(table: Sequence[Service]) -> Parser:
    parser = Parser(
        prog="./manage.py",
        description="Start, stop and look after Smart Assistant.",
        epilog="./manage.py COMMAND --help says more. Settings are in .env (see .env.example).",
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    for command in COMMANDS:
        if command.help:
            sub = commands.add_parser(command.name, description=command.help, help=command.help)
        else:
            sub = commands.add_parser(command.name)
        # bench refuses --docker and says why
        options.add_mode_options(sub, has_docker=command.name != "bench")
        command.add_options(sub, table)
    return parser


def _run_command(context: Context, chosen: argparse.Namespace) -> int:
    """Import only the modules of this command, to start quickly."""
    command = next(command for command in COMMANDS if command.name == chosen.command)
    module, _, function = command.entry_point.partition(":")
    status: int = getattr(import_module(f".{module}", "control.commands"), function)(
        context, chosen
    )
    return status
