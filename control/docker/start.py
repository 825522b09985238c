"""Starting the suite in Docker, or what is missing of it."""

import argparse
import re
import time
from collections.abc import Iterable

from control import modes, replicas, services, welcome
from control.context import Context
from control.docker import bare, scale
from control.docker.compose import Compose
from control.docker.container import Container
from control.errors import ControlError
from control.local.run_directory import RunDirectory
from control.problem import Problem
from control.terminal import Terminal, seconds

PATIENCE = 30.0
"""Seconds after which what is not well is named, as in local mode."""
_POLL = 0.5
_NEWS = re.compile(r"\[[^\]]+\] (RUN|COPY|FROM) .*|Container \S+ .*|exporting .*")
"""What Compose says that tells an operator something."""


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
        _call(context, compose, "build", *names)
    problems = up(context, compose, names)
    welcome.say_where(context)
    context.terminal.line("  Logs:  ./manage.py logs -f")
    return 1 if problems else 0


def up(
    context: Context, compose: Compose, names: tuple[str, ...], *, afresh: bool = False
) -> tuple[Problem, ...]:
    """Start containers of images that are there, new ones if so wished, then without their needs.

    Returns what does not get well.
    """
    words = ["--remove-orphans"]
    meant = services.with_needs(context.services, names or services.names(context.services))
    if afresh:
        words += ["--force-recreate", "--no-deps"]
        meant = frozenset(names)
    with context.terminal.step("containers"):
        if not compose.settings.own_postgres:
            _call(context, compose, "up", "--detach", "--no-build", "--wait", "postgres")
            compose.set_database_password()
        with compose.counting(context.terminal) as counts:
            words += scale.options(counts, meant)
            _call(context, compose, "up", "--detach", "--no-build", *words, *scale.expanded(names))
    modes.remember(compose.settings.state_dir, "docker")
    problems = Progress(compose, names, context.terminal).wait()
    welcome.report(context, problems)
    return problems


def _refuse_beside_local(context: Context) -> None:
    """Raises ControlError where this folder's suite runs as processes: both want the same ports."""
    run = RunDirectory(context.state_dir)
    if run.supervisor() or run.processes():  # these run on without it
        raise ControlError("this folder's suite runs in local mode: ./manage.py stop --local first")


def _call(context: Context, compose: Compose, *arguments: str) -> None:
    def hear(line: str) -> None:
        if news := _NEWS.search(line):
            context.terminal.busy(f"… {news[0]}")

    compose.follow(*arguments, hear=hear)


class Progress:
    """Which containers are well by now."""

    def __init__(self, compose: Compose, names: tuple[str, ...], terminal: Terminal) -> None:
        self._compose = compose
        self._names = names
        self._terminal = terminal
        self._shown: set[str] = set()

    def wait(self) -> tuple[Problem, ...]:
        """Show each container as it gets well; returns the others, in the end."""
        begun = time.monotonic()
        while (missing := self._missing(begun)) and time.monotonic() < begun + PATIENCE:
            waiting = ", ".join(container.name for container in missing)
            self._terminal.busy(f"… {time.monotonic() - begun:.0f} s, waiting for {waiting}")
            time.sleep(_POLL)
        problems = tuple(
            Problem(container.name, self._compose.why_unwell(container)) for container in missing
        )
        for problem in problems:
            self._terminal.failed(problem.name, problem.reason)
        return problems

    def _missing(self, begun: float) -> list[Container]:
        containers = [
            container
            for container in self._compose.containers()
            if not self._names or container.service in self._names
        ]
        for container in containers:
            if container.is_well and container.id not in self._shown:
                self._shown.add(container.id)
                self._terminal.done(container.name, seconds(time.monotonic() - begun))
        return [container for container in containers if not container.is_well]
