"""The commands of `manage.py`, their options, and how each is found."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from control import options
from control.argument_types import USAGE_ERROR_STATUS
from control.context import Context
from control.errors import ControlError, did_you_mean
from control.options import Parser
from control.services import Service
from control.terminal import Terminal

_INTERRUPTED_STATUS = 130


@dataclass(frozen=True)
class CliCommand:
    """A word of the operator's."""

    name: str
    help: str | None
    """One line; None hides it."""
    entry_point: str
    """`module:function`, below `control`."""
    add_options: Callable[[Parser, Sequence[Service]], None] = options.add_no_options


COMMANDS = (
    CliCommand(
        "start",
        "start the suite, or what is missing of it",
        "commands.suite:start",
        options.add_start_options,
    ),
    CliCommand(
        "stop",
        "stop it; return when all of it is gone",
        "commands.suite:stop",
        options.add_stop_options,
    ),
    CliCommand("restart", "stop and start", "commands.suite:restart", options.add_service_options),
    CliCommand(
        "status",
        "what runs, and how well; 0 if all is well",
        "commands.suite:status",
        options.add_service_options,
    ),
    CliCommand(
        "logs",
        "the last lines of all logs; -f follows",
        "commands.suite:logs",
        options.add_logs_options,
    ),
    CliCommand(
        "chat",
        "talk to the assistant in the sandbox",
        "commands.chat:run",
        options.add_chat_options,
    ),
    CliCommand(
        "invite", "a link that lets somebody in", "commands.invite:run", options.add_invite_options
    ),
    CliCommand("doctor", "look for what keeps it from working", "commands.doctor:run"),
    CliCommand(
        "test",
        "run the tests; --all also the slow ones",
        "commands.test:run",
        options.add_test_options,
    ),
    CliCommand(
        "fuzz",
        "send the REST API strange requests",
        "commands.stress:fuzz",
        options.add_fuzz_options,
    ),
    CliCommand(
        "chaos",
        "kill whatever runs, and lose nothing",
        "commands.stress:chaos",
        options.add_chaos_options,
    ),
    CliCommand(
        "mutate",
        "mutation testing of the key modules",
        "commands.mutate:run",
        options.add_mutate_options,
    ),
    CliCommand(
        "check",
        "generated files, format, lint, types, imports",
        "commands.check:run",
        options.add_check_options,
    ),
    CliCommand(
        "migrate",
        "write a migration of the schema",
        "commands.schema:migrate",
        options.add_migrate_options,
    ),
    CliCommand(
        "upgrade",
        "bring the schema up to date",
        "commands.schema:upgrade",
        options.add_upgrade_options,
    ),
    CliCommand(
        "rotate-keys",
        "a new master key for what is kept encrypted",
        "commands.rotate_keys:run",
        options.add_rotate_keys_options,
    ),
    CliCommand(
        "rebuild",
        "install anew what the services need",
        "commands.suite:rebuild",
        options.add_service_options,
    ),
    CliCommand("supervise", None, "local.supervisor:run", options.add_supervise_options),
)


def main(argv: Sequence[str] | None = None, context: Context | None = None) -> int:
    """Do what is asked; returns the exit status, and says errors in one line."""
    context = context or _build_context()
    argv = sys.argv[1:] if argv is None else argv
    try:
        if argv and argv[0] == "--version":
            context.terminal.print_line(context.version)
            return 0
        chosen = _parse_arguments(argv, context.services)
        return _load_entry_point(chosen)(context, chosen)
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


def _build_context() -> Context:
    root = Path(__file__).resolve().parent.parent
    return Context(root, root / "manage.py", dict(os.environ), Terminal.from_stream())


def _print_error(context: Context, message: str, status: int) -> int:
    context.terminal.clear_progress()
    print(f"manage.py: {message}", file=sys.stderr)
    return status


def _parse_arguments(argv: Sequence[str], table: Sequence[Service]) -> argparse.Namespace:
    """The options of a command; raises ControlError for what is wrong with them."""
    first = argv[0] if argv else "--help"
    if first not in ("-h", "--help", *(command.name for command in COMMANDS)):
        shown = [command.name for command in COMMANDS if command.help]
        advice = did_you_mean(first, shown, "see ./manage.py --help")
        raise ControlError(f"there is no command {first!r}; {advice}", USAGE_ERROR_STATUS)
    chosen, unknown = _build_parser(table).parse_known_args(argv or [first])
    if unknown:
        more = "; what pytest is told follows after --" if hasattr(chosen, "extra") else ""
        raise ControlError(
            f"{first} does not take {unknown[0]!r}; see ./manage.py {first} --help{more}",
            USAGE_ERROR_STATUS,
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
        options.add_mode_options(sub)
        command.add_options(sub, table)
    return parser


def _load_entry_point(
    chosen: argparse.Namespace,
) -> Callable[[Context, argparse.Namespace], int]:
    """The function behind a command; imported only now, so that each is as light as it can be."""
    command = next(command for command in COMMANDS if command.name == chosen.command)
    module, _, function = command.entry_point.partition(":")
    found: Callable[[Context, argparse.Namespace], int] = getattr(
        import_module(f"control.{module}"), function
    )
    return found
