"""Selecting tests and the number of test processes."""

import argparse
import os
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path, PurePath

from control.errors import UsageError

_MAX_PROCESSES = 4
"""The number of Redis servers in docker-compose.test.yml."""

PARALLEL_OPTIONS = (
    # one more than cores: tests wait for started processes a quarter of the time
    f"--numprocesses={min((os.cpu_count() or 1) + 1, _MAX_PROCESSES)}",
    "--dist=loadfile",  # tests of one file share the processes of their fixtures
    "--no-loadscope-reorder",  # long files first, as in testpaths of pyproject.toml
)

_OPTIONS_WITH_VALUE = (
    *("-k", "-m", "-p", "-c", "-o", "-n", "-r", "-W", "--tb", "--maxfail", "--durations"),
    *("--deselect", "--ignore", "--ignore-glob", "--basetemp", "--confcutdir", "--rootdir"),
    *("--cov-config", "--junit-xml", "--junitxml", "--log-file"),
)
"""Options of pytest whose value could look like a path."""
_DESELECTING_OPTIONS = ("-k", "-m", "--deselect", "--ignore")
"""Prefixes of pytest's options that leave tests out; a value may follow directly."""
_DESELECTING_FLAGS = ("--lf", "--last-failed", "--sw", "--stepwise", "--co", "--collect-only")


def validate(options: argparse.Namespace, root: Path) -> None:
    """Raise UsageError if the selection contradicts itself or names no tests."""
    if options.service and parse_paths(options, root):
        raise UsageError("name tests either by --service or by their paths after --")
    for path in _iter_positional_arguments(options):
        # with several processes, pytest does not report this
        if (path.endswith(".py") or "/" in path) and not (root / path).exists():
            raise UsageError(f"there is no file or folder {path}")


def build_parallel_options(options: argparse.Namespace, root: Path) -> Sequence[str]:
    """Return pytest's options for parallel tests; none for a single file."""
    named = parse_paths(options, root)
    return () if len(named) == 1 and (root / named[0]).is_file() else PARALLEL_OPTIONS


def service_test_paths(options: argparse.Namespace) -> list[str]:
    """Return the test folders of the selected parts; empty for all."""
    return [f"{name}/tests" for name in options.service]


def build_marker_options(*conditions: str) -> list[str]:
    """Return pytest's option for tests whose markers meet all conditions that are not empty."""
    expression = " and ".join(filter(None, conditions))
    return ["-m", expression] if expression else []


def slow_tests_condition(options: argparse.Namespace) -> str:
    """Return the condition that excludes slow tests, unless --all is given."""
    return "" if options.all else "not slow"


def build_coverage_options(
    options: argparse.Namespace, root: Path, *full_run_options: str
) -> Sequence[str]:
    """Return pytest's options for coverage, which takes time, so only with `--all`."""
    if not options.all:
        return []
    if options.service:
        measured = (f"--cov={name}" for name in options.service)
        return [*measured, "--cov-report=term-missing:skip-covered"]
    return ["--cov", *full_run_options] if is_full_run(options, root) else []


def is_full_run(options: argparse.Namespace, root: Path) -> bool:
    """Return whether all tests run: no part is selected and no option after `--` deselects any."""
    is_selective = options.service or parse_paths(options, root)
    return options.all and not (is_selective or any(map(_deselects, options.extra)))


def _deselects(word: str) -> bool:
    return word.startswith(_DESELECTING_OPTIONS) or word in _DESELECTING_FLAGS


def parse_paths(options: argparse.Namespace, root: Path) -> list[PurePath]:
    """Return the files and folders after `--`, relative to the repository.

    Raises UsageError for a path outside it.
    """
    words = _iter_positional_arguments(options)
    return [_relative_to_root(root, path) for path in words if (root / path).exists()]


def _iter_positional_arguments(options: argparse.Namespace) -> Iterator[str]:
    """Yield the words after `--` that are not options or their values, without test names."""
    for last, word in pairwise(["", *options.extra]):
        if last not in _OPTIONS_WITH_VALUE and not word.startswith("-"):
            yield word.partition("::")[0]


def _relative_to_root(root: Path, word: str) -> PurePath:
    path = (root / word).resolve()
    if not path.is_relative_to(root.resolve()):
        raise UsageError(f"{word} is not in this repository")
    return path.relative_to(root.resolve())
