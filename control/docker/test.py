"""Running the tests in Docker: parts on the images' Python and servers, stories on the suite."""

import argparse
import hashlib
import subprocess
from pathlib import PurePath

from control.context import Context
from control.docker import engine
from control.testing import program, selection

_NOTHING_COLLECTED = 5
"""The exit status of pytest where a choice of tests leaves none."""
_STORIES = "tests/e2e"


def run(context: Context, options: argparse.Namespace) -> int:
    engine.require(context.environ)
    named = selection.named_paths(options, context.root)
    stories = [path for path in named if PurePath(path).is_relative_to(_STORIES)]
    statuses = list[int]()
    if stories != named or not named:
        statuses.append(_run_parts(context, options))
    if (stories or not named) and not options.service:
        statuses.append(_run_stories(context, options, named))
    return next((status for status in statuses if status not in (0, _NOTHING_COLLECTED)), 0)


def _run_parts(context: Context, options: argparse.Namespace) -> int:
    """In a container beside the servers, which go when it is done.

    A container cannot start the whole suite: what kills its processes is run in local mode only.
    """
    environ = context.foreign_environ
    mark = hashlib.sha256(str(context.root).encode()).hexdigest()[:8]  # two clones, two runs
    project = f"smart-assistant-test-{mark}"
    compose = ["docker", "compose", "--file", "docker-compose.test.yml", "--project-name", project]
    differs_there = "" if options.all else "servers"
    chosen = [
        *selection.IN_PARALLEL,
        *selection.having(differs_there, "not e2e", selection.not_slow(options)),
        *selection.coverage(options, "--cov-report=term"),
        *selection.paths(options),
    ]
    try:
        command = [*compose, "run", "--build", "--rm", "tests", *chosen, *options.extra]
        return program.run(command, context.root, environ)
    finally:
        subprocess.run(
            [*compose, "down", "--volumes", "--timeout", "1"],
            cwd=context.root,
            env=environ,
            capture_output=True,
        )


def _run_stories(context: Context, options: argparse.Namespace, named: list[str]) -> int:
    """From outside, as people and operators see the suite; one process has one composed suite."""
    chosen = selection.having("e2e and not local", selection.not_slow(options))
    places = [] if named else [_STORIES]
    command = (context.python(develop=True), "-m", "pytest", *places, *chosen, *options.extra)
    environ = context.foreign_environ | {"SUITE_MODE": "docker"}
    return program.run(command, context.root, environ)
