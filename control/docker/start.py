"""Starting the suite in Docker, or what is missing of it."""

import argparse
from collections import deque
from collections.abc import Iterable

from control import modes, replicas, services, welcome
from control.context import Context
from control.docker import bare, scale
from control.docker.compose import Compose
from control.docker.progress import Progress, news
from control.errors import ControlError
from control.local.run_directory import RunDirectory
from control.problem import Problem

_LAST_LINES = 20
_UP = ("up", "--detach", "--no-build")


def run(context: Context, options: argparse.Namespace) -> int:
    _refuse_beside_local(context)
    if options.service:
        bare.refuse(context)
    welcome.begin(context, "docker")
    asked = replicas.asked(options)
    names = dict.fromkeys((*options.service, *asked)) if options.service else ()
    return bring_up(context, Compose.of(context, asked), names)


def bring_up(context: Context, compose: Compose, names: Iterable[str] = ()) -> int:
    """Build what has changed, start these services, or all, and wait until they are well."""
    compose.check_replicas()
    names = tuple(names)
    with context.terminal.step("images", "(minutes, the first time)"):
        build(context, compose, *names)
    if up(context, compose, names):
        return 1
    welcome.say_where(context)
    context.terminal.line("  Logs:  ./manage.py logs -f")
    return 0


def build(context: Context, compose: Compose, *arguments: str) -> None:
    """Build images; raises ControlError with the last words of what fails, or of what hangs."""
    last: deque[str] = deque(maxlen=_LAST_LINES)

    def hear(line: str) -> None:
        last.append(line)
        if said := news(line):
            context.terminal.waiting(f"… {said}")

    try:
        compose.follow("build", *arguments, hear=hear)
    except ControlError:
        context.terminal.line("   The build ends with:")
        for line in filter(str.strip, last):
            context.terminal.line(f"   | {line}")
        raise


def up(
    context: Context, compose: Compose, names: tuple[str, ...], *, afresh: bool = False
) -> tuple[Problem, ...]:
    """Start containers of images that are there, new ones if so wished, then without their needs.

    Returns what does not get well.
    """
    progress = Progress(compose, context.terminal, with_needs=not afresh)
    problems = raise_postgres(compose, progress)
    if not problems:
        _up(context, compose, progress, names, afresh=afresh)
        problems = progress.wait()
    modes.remember(compose.settings.state_dir, "docker")
    welcome.report(context, problems, outlook="")
    return problems


def raise_postgres(compose: Compose, progress: Progress) -> tuple[Problem, ...]:
    """Start the database, unless the operator has one, with the password of the settings."""
    if compose.settings.own_postgres:
        return ()
    progress.follow(("postgres",), *_UP, "--wait", "postgres")
    problems = progress.wait()
    if not problems:
        compose.set_database_password()
    return problems


def _up(
    context: Context,
    compose: Compose,
    progress: Progress,
    names: tuple[str, ...],
    *,
    afresh: bool,
) -> None:
    words = ["--remove-orphans"]
    meant = services.with_needs(context.services, names or services.names(context.services))
    if afresh:
        words += ["--force-recreate", "--no-deps"]
        meant = frozenset(names)
    with compose.counting(context.terminal) as counts:
        words += scale.options(counts, meant)
        progress.follow(names, *_UP, *words, *scale.expanded(names))


def _refuse_beside_local(context: Context) -> None:
    """Raises ControlError where this folder's suite runs as processes: both want the same ports."""
    run = RunDirectory(context.state_dir)
    if run.supervisor() or run.processes():  # these run on without it
        raise ControlError("this folder's suite runs in local mode: ./manage.py stop --local first")
