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
_STORIES = PurePath("tests/e2e")


def run(context: Context, options: argparse.Namespace) -> int:
    engine.require(context.environ)
    named = selection.named_paths(options, context.root)
    statuses = list[int]()
    if not named or any(not path.is_relative_to(_STORIES) for path in named):
        statuses.append(_run_parts(context, options))
    if not (named or options.service) or any(map(_has_stories, named)):
        statuses.append(_run_stories(context, options))
    ran = [status for status in statuses if status != _NOTHING_COLLECTED]
    return next(filter(None, ran), 0 if ran else _NOTHING_COLLECTED)


def _has_stories(path: PurePath) -> bool:
    return path.is_relative_to(_STORIES) or _STORIES.is_relative_to(path)


def _run_parts(context: Context, options: argparse.Namespace) -> int:
    """In a container beside the servers, which go when it is done.

    A container cannot start the whole suite, and has no git: such tests run in local mode only.
    """
    environ = context.foreign_environ
    mark = hashlib.sha256(str(context.root).encode()).hexdigest()[:8]  # two clones, two runs
    project = f"smart-assistant-test-{mark}"
    compose = ["docker", "compose", "--file", "docker-compose.test.yml", "--project-name", project]
    differs_there = "" if options.all else "servers"
    chosen = [
        *selection.in_parallel(options, context.root),
        *selection.having(differs_there, "not e2e and not local", selection.not_slow(options)),
        *selection.coverage(options, context.root, "--cov-report=term"),
        *selection.paths(options),
    ]
    try:
        extra = [word.replace(f"{context.root}/", "", 1) for word in options.extra]
        command = [*compose, "run", "--build", "--rm", "tests", *chosen, *extra]
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
    chosen = selection.having("e2e and not local", selection.not_slow(options))
    places = [] if selection.named_paths(options, context.root) else [str(_STORIES)]
    command = (context.python(develop=True), "-m", "pytest", *places, *chosen, *options.extra)
    environ = context.foreign_environ | {"SUITE_MODE": "docker"}
    return program.run(command, context.root, environ)
