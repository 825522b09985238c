"""Running the tests in Docker: parts on the images' Python and servers, stories on the suite."""

import argparse
import hashlib
import subprocess

from control.context import Context
from control.docker import engine
from control.testing import program, selection

_NOTHING_COLLECTED = 5
"""The exit status of pytest where a choice of tests leaves none."""
_STORIES = "tests/e2e"


def run(context: Context, options: argparse.Namespace) -> int:
    engine.require(context.environ)
    statuses = [_run_parts(context, options)]
    if not options.service:
        statuses.append(_run_stories(context, options))
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
        *selection.coverage(options, "term"),
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


def _run_stories(context: Context, options: argparse.Namespace) -> int:
    """From outside, as people and operators see the suite; one process has one composed suite."""
    chosen = selection.having("not local", selection.not_slow(options))
    command = (context.python(develop=True), "-m", "pytest", _STORIES, *chosen, *options.extra)
    environ = context.foreign_environ | {"SUITE_MODE": "docker"}
    return program.run(command, context.root, environ)
