"""`test --docker`: service tests in a container, end-to-end tests against the composed suite."""

import argparse
import hashlib
import subprocess
from pathlib import PurePath

from control.context import Context
from control.docker import engine
from control.testing import selection, subprocess_runner

_NO_TESTS_COLLECTED = 5
_E2E_TESTS = PurePath("tests/e2e")


def run(context: Context, options: argparse.Namespace) -> int:
    engine.ensure_available(context.environ)
    named = selection.parse_paths(options, context.root)
    statuses = list[int]()
    if not named or any(not path.is_relative_to(_E2E_TESTS) for path in named):
        statuses.append(_run_service_tests(context, options))
    if not (named or options.service) or any(map(_contains_e2e_tests, named)):
        statuses.append(_run_e2e_tests(context, options))
    ran = [status for status in statuses if status != _NO_TESTS_COLLECTED]
    return next(filter(None, ran), 0 if ran else _NO_TESTS_COLLECTED)


def _contains_e2e_tests(path: PurePath) -> bool:
    return path.is_relative_to(_E2E_TESTS) or _E2E_TESTS.is_relative_to(path)


def _run_service_tests(context: Context, options: argparse.Namespace) -> int:
    """Run them in a container beside the servers, which are removed afterwards.

    The container cannot start a whole suite and has no git: tests that need these are marked
    `local`.
    """
    environ = context.environ_without_suite
    # each clone has its own project
    mark = hashlib.sha256(str(context.root).encode()).hexdigest()[:8]
    project = f"smart-assistant-test-{mark}"
    compose = ["docker", "compose", "--file", "docker-compose.test.yml", "--project-name", project]
    slow = selection.slow_tests_condition(options)
    servers = "" if options.all else "servers"
    chosen = [
        *selection.build_parallel_options(options, context.root),
        *selection.build_marker_options(servers, "not e2e and not local", slow),
        *selection.build_coverage_options(options, context.root, "--cov-report=term"),
        *selection.service_test_paths(options),
    ]
    try:
        extra = [word.replace(f"{context.root}/", "", 1) for word in options.extra]
        command = [*compose, "run", "--build", "--rm", "tests", *chosen, *extra]
        return subprocess_runner.run(command, context.root, environ)
    finally:
        down = [*compose, "down", "--volumes", "--timeout", "1"]
        subprocess.run(down, cwd=context.root, env=environ, capture_output=True)


def _run_e2e_tests(context: Context, options: argparse.Namespace) -> int:
    """Run them on this machine, in one process, because there is only one composed suite."""
    slow = selection.slow_tests_condition(options)
    chosen = selection.build_marker_options("e2e and not local", slow)
    places = [] if selection.parse_paths(options, context.root) else [str(_E2E_TESTS)]
    python = context.ensure_python(develop=True)
    command = (python, "-m", "pytest", *places, *chosen, *options.extra)
    environ = context.environ_without_suite | {"SUITE_MODE": "docker"}
    return subprocess_runner.run(command, context.root, environ)
