"""The commands of `manage.py`, their options, and how each is found."""

import argparse
import difflib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from control.context import Context
from control.errors import ControlError
from control.terminal import Terminal

_INTERRUPTED = 130
_USAGE = 2


def _nothing(parser: argparse.ArgumentParser) -> None:
    """No options of its own."""


def _services(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--service", action="append", default=[], metavar="NAME", help="only this one (repeatable)"
    )


def _logs(parser: argparse.ArgumentParser) -> None:
    _services(parser)
    parser.add_argument("-f", "--follow", action="store_true", help="go on with what is added")
    parser.add_argument("-n", "--lines", type=int, default=100, metavar="N", help="default: 100")


def _test(parser: argparse.ArgumentParser) -> None:
    _services(parser)
    parser.add_argument("extra", nargs="*", metavar="-- …", help="more for pytest, after --")


def _migrate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("message", help="what changes, in a few words")


def _invite(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--owner", action="store_true", help="as the owner, while there is none")


def _chat(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("question", nargs="*", help="print the answer to this, and end")
    parser.add_argument("--as", dest="person", metavar="NAME", help="who of the sandbox to be")
    parser.add_argument(
        "--patience", type=float, default=120.0, metavar="S", help="seconds an answer may take"
    )


def _supervise(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--lock", type=int, required=True)
    parser.add_argument("--python", required=True)


@dataclass(frozen=True)
class Command:
    """A word of the operator's."""

    name: str
    help: str | None
    """One line; None hides it."""
    place: str
    """`module:function`; `{mode}` stands for local (or, once it is there, docker)."""
    options: Callable[[argparse.ArgumentParser], None] = _nothing


COMMANDS = (
    Command("start", "start the suite, or what is missing of it", "{mode}.start:run", _services),
    Command("stop", "stop it; return when all of it is gone", "{mode}.stop:run", _services),
    Command("restart", "stop and start", "{mode}.restart:run", _services),
    Command("status", "what runs, and how well; 0 if all is well", "{mode}.status:run", _services),
    Command("logs", "the last lines of all logs; -f follows", "{mode}.logs:run", _logs),
    Command("chat", "talk to the assistant in the sandbox", "commands.chat:run", _chat),
    Command("invite", "a link that lets somebody in", "commands.invite:run", _invite),
    Command("test", "run the tests with coverage", "commands.test:run", _test),
    Command("check", "format, lint, types, imports", "commands.check:run"),
    Command("migrate", "write a migration of the schema", "{mode}.schema:migrate", _migrate),
    Command("upgrade", "bring the schema up to date", "{mode}.schema:upgrade"),
    Command("rebuild", "make the virtual environment anew", "{mode}.rebuild:run"),
    Command("supervise", None, "{mode}.supervise:run", _supervise),
)


def main(argv: Sequence[str] | None = None, context: Context | None = None) -> int:
    """Do what is asked; returns the exit status, and says errors in one line."""
    context = context or _own_context()
    try:
        options = _parser().parse_args(_known(sys.argv[1:] if argv is None else argv))
        return _found(options)(context, options)
    except ControlError as error:
        return _refuse(context, str(error), error.status)
    except KeyboardInterrupt:
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


def _known(argv: Sequence[str]) -> Sequence[str]:
    """The arguments, if they begin with a command; raises ControlError that suggests one."""
    first = next((word for word in argv if not word.startswith("-")), None)
    shown = [command.name for command in COMMANDS]
    if first is None or first in shown:
        return argv or ["--help"]
    near = difflib.get_close_matches(first, shown, n=2, cutoff=0.5)
    advice = f"did you mean {' or '.join(near)}?" if near else "see ./manage.py --help"
    raise ControlError(f"there is no command {first!r}; {advice}", _USAGE)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
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
        modes = sub.add_mutually_exclusive_group()
        modes.add_argument("--local", action="store_true", help="processes on this machine")
        modes.add_argument("--docker", action="store_true", help="not there yet")
        command.options(sub)
    return parser


def _found(options: argparse.Namespace) -> Callable[[Context, argparse.Namespace], int]:
    """The function behind a command; imported only now, so that each is as light as it can be."""
    if options.docker:
        raise ControlError("--docker is not there yet: without it, everything runs on this machine")
    command = next(command for command in COMMANDS if command.name == options.command)
    module, _, function = command.place.format(mode="local").partition(":")
    found: Callable[[Context, argparse.Namespace], int] = getattr(
        import_module(f"control.{module}"), function
    )
    return found
