"""Running the tests in Docker: parts on the images' Python and servers, stories on the suite."""

import argparse
import hashlib
import subprocess

from control.context import Context
from control.docker import engine

_NOTHING_COLLECTED = 5
"""What pytest says where a choice of tests leaves none."""
_STORIES = "tests/e2e"
_NO_SUITE = ["-m", "not e2e"]
"""A container cannot start the whole suite. What tells stories of it does; what kills its processes
(tests/chaos) is run in local mode, which has them."""


def run(context: Context, options: argparse.Namespace) -> int:
    engine.require(context.environ)
    paths = [f"{name}/tests" for name in options.service]
    statuses = [_run_parts(context, paths or _NO_SUITE, options.extra)]
    if not paths:
        statuses.append(_run_stories(context, options.extra))
    return max(0 if status == _NOTHING_COLLECTED else status for status in statuses)


def _run_parts(context: Context, choice: list[str], extra: list[str]) -> int:
    """In a container beside the servers, which go when it is done."""
    environ = context.foreign_environ
    mark = hashlib.sha256(str(context.root).encode()).hexdigest()[:8]  # two clones, two runs
    project = f"smart-assistant-test-{mark}"
    compose = ["docker", "compose", "--file", "docker-compose.test.yml", "--project-name", project]
    try:
        return subprocess.run(
            [*compose, "run", "--build", "--rm", "tests", *choice, *extra],
            cwd=context.root,
            env=environ,
        ).returncode
    finally:
        subprocess.run(
            [*compose, "down", "--volumes", "--timeout", "1"],
            cwd=context.root,
            env=environ,
            capture_output=True,
        )


def _run_stories(context: Context, extra: list[str]) -> int:
    """From outside, as people and operators see the suite."""
    command = [str(context.python(develop=True)), "-m", "pytest", _STORIES, *extra]
    environ = context.foreign_environ | {"SUITE_MODE": "docker"}
    return subprocess.run(command, cwd=context.root, env=environ).returncode
