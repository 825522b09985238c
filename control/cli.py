"""The commands of `manage.py`, their options, and how each is found."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from control import modes, options, spelling
from control.arguments import USAGE
from control.context import Context
from control.errors import ControlError
from control.options import Parser
from control.services import Service
from control.terminal import Terminal

_INTERRUPTED = 130


@dataclass(frozen=True)
class Command:
    """A word of the operator's."""

    name: str
    help: str | None
    """One line; None hides it."""
    place: str
    """`module:function`; `{mode}` stands for the mode."""
    add_options: Callable[[Parser, Sequence[Service]], None] = options.none


COMMANDS = (
    Command(
        "start", "start the suite, or what is missing of it", "{mode}.start:run", options.start
    ),
    Command("stop", "stop it; return when all of it is gone", "{mode}.stop:run", options.stop),
    Command("restart", "stop and start", "{mode}.restart:run", options.service),
    Command(
        "status", "what runs, and how well; 0 if all is well", "{mode}.status:run", options.service
    ),
    Command("logs", "the last lines of all logs; -f follows", "{mode}.logs:run", options.logs),
    Command("chat", "talk to the assistant in the sandbox", "commands.chat:run", options.chat),
    Command("invite", "a link that lets somebody in", "commands.invite:run", options.invite),
    Command("doctor", "look for what keeps it from working", "commands.doctor:run"),
    Command("test", "run the tests; --all also the slow ones", "commands.test:run", options.test),
    Command("fuzz", "send the REST API strange requests", "commands.fuzz:run", options.fuzz),
    Command("chaos", "kill whatever runs, and lose nothing", "commands.chaos:run", options.chaos),
    Command(
        "mutate",
        "mutation testing of the key modules",
        "commands.mutate:run",
        options.mutate,
    ),
    Command("check", "format, lint, types, imports", "commands.check:run"),
    Command("migrate", "write a migration of the schema", "{mode}.schema:migrate", options.migrate),
    Command("upgrade", "bring the schema up to date", "{mode}.schema:upgrade", options.upgrade),
    Command(
        "rotate-keys",
        "a new master key for what is kept encrypted",
        "{mode}.rotate_keys:run",
        options.rotate_keys,
    ),
    Command(
        "rebuild", "install anew what the services need", "{mode}.rebuild:run", options.service
    ),
    Command("supervise", None, "local.supervise:run", options.supervise),
)


def main(argv: Sequence[str] | None = None, context: Context | None = None) -> int:
    """Do what is asked; returns the exit status, and says errors in one line."""
    context = context or _own_context()
    try:
        chosen = _parsed(sys.argv[1:] if argv is None else argv, context.services)
        return _found(context, chosen)(context, chosen)
    except ControlError as error:
        return _refuse(context, str(error), error.status)
    except KeyboardInterrupt:
        context.terminal.settle()
        return _INTERRUPTED
    except BrokenPipeError:  # as in `./manage.py logs | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        place = f": {error.filename}" if error.filename else ""
        return _refuse(context, f"{error.strerror or error}{place}", 1)


def _own_context() -> Context:
    root = Path(__file__).resolve().parent.parent
    return Context(root, root / "manage.py", dict(os.environ), Terminal.of())


def _refuse(context: Context, message: str, status: int) -> int:
    context.terminal.settle()
    print(f"manage.py: {message}", file=sys.stderr)
    return status


def _parsed(argv: Sequence[str], table: Sequence[Service]) -> argparse.Namespace:
    """The options of a command; raises ControlError for what is wrong with them."""
    first = argv[0] if argv else "--help"
    if first not in ("-h", "--help", *(command.name for command in COMMANDS)):
        shown = [command.name for command in COMMANDS if command.help]
        advice = spelling.advice(first, shown, "see ./manage.py --help")
        raise ControlError(f"there is no command {first!r}; {advice}", USAGE)
    chosen, unknown = _parser(table).parse_known_args(argv or [first])
    if unknown:
        more = "; what pytest is told follows after --" if hasattr(chosen, "extra") else ""
        raise ControlError(
            f"{first} does not take {unknown[0]!r}; see ./manage.py {first} --help{more}", USAGE
        )
    return chosen


def _parser(table: Sequence[Service]) -> Parser:
    parser = Parser(
        prog="./manage.py",
        description="Start, stop and look after Smart Assistant.",
        epilog="./manage.py COMMAND --help says more. Settings are in .env (see .env.example).",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    for command in COMMANDS:
        if command.help:
            sub = commands.add_parser(command.name, description=command.help, help=command.help)
        else:
            sub = commands.add_parser(command.name)
        options.mode(sub)
        command.add_options(sub, table)
    return parser


def _found(
    context: Context, chosen: argparse.Namespace
) -> Callable[[Context, argparse.Namespace], int]:
    """The function behind a command; imported only now, so that each is as light as it can be."""
    command = next(command for command in COMMANDS if command.name == chosen.command)
    place = command.place
    if "{mode}" in place:
        place = place.format(mode=modes.choose(context, chosen))
    module, _, function = place.partition(":")
    found: Callable[[Context, argparse.Namespace], int] = getattr(
        import_module(f"control.{module}"), function
    )
    return found
