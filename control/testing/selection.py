"""Which tests are run, and by how many processes."""

import argparse
import os
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path, PurePath

from control.argument_types import USAGE_ERROR_STATUS
from control.errors import ControlError

_MAX_PROCESSES = 4
"""docker-compose.test.yml has so many Redis servers."""

PARALLEL_OPTIONS = (
    # one more than there are cores: a quarter of the time, a test waits for what it has started
    f"--numprocesses={min((os.cpu_count() or 1) + 1, _MAX_PROCESSES)}",
    "--dist=loadfile",  # tests of one file share what their fixtures start
    "--no-loadscope-reorder",  # long files first, as in testpaths of pyproject.toml
)

_OPTIONS_WITH_VALUE = (
    *("-k", "-m", "-p", "-c", "-o", "-n", "-r", "-W", "--tb", "--maxfail", "--durations"),
    *("--deselect", "--ignore", "--ignore-glob", "--basetemp", "--confcutdir", "--rootdir"),
    *("--cov-config", "--junit-xml", "--junitxml", "--log-file"),
)
"""Options of pytest after which a word is no path, even where a folder has its name."""
_DESELECTING_OPTIONS = ("-k", "-m", "--deselect", "--ignore")
"""What an option of pytest begins with that leaves tests out, and its value may follow at once."""
_DESELECTING_FLAGS = frozenset(
    ("--lf", "--last-failed", "--sw", "--stepwise", "--co", "--collect-only")
)


def validate(options: argparse.Namespace, root: Path) -> None:
    """Raises ControlError for a choice of tests that contradicts itself or names none."""
    if options.service and parse_paths(options, root):
        raise ControlError(
            "name tests either by --service or by their paths after --", USAGE_ERROR_STATUS
        )
    for path in _iter_positional_arguments(options):
        # where several processes test, pytest does not say so
        if (path.endswith(".py") or "/" in path) and not (root / path).exists():
            raise ControlError(f"there is no file or folder {path}", USAGE_ERROR_STATUS)


def build_parallel_options(options: argparse.Namespace, root: Path) -> Sequence[str]:
    """The options of pytest for several processes; none for one file, which one process tests."""
    named = parse_paths(options, root)
    return () if len(named) == 1 and (root / named[0]).is_file() else PARALLEL_OPTIONS


def service_test_paths(options: argparse.Namespace) -> list[str]:
    """The folders of the parts that were asked for; with none, pytest takes all."""
    return [f"{name}/tests" for name in options.service]


def build_marker_options(*conditions: str) -> list[str]:
    """The option of pytest for tests whose markers fulfil all conditions; empty ones do not count.

    The markers are described in pyproject.toml.
    """
    expression = " and ".join(filter(None, conditions))
    return ["-m", expression] if expression else []


def slow_tests_condition(options: argparse.Namespace) -> str:
    """The condition that leaves the slow tests to `--all`."""
    return "" if options.all else "not slow"


def build_coverage_options(
    options: argparse.Namespace, root: Path, *full_run_options: str
) -> Sequence[str]:
    """The options of pytest that measure coverage, which costs time: only with `--all`.

    Of parts that were asked for with a report, of all as said, of some tests never.
    """
    if not options.all:
        return []
    if options.service:
        return [
            *(f"--cov={name}" for name in options.service),
            "--cov-report=term-missing:skip-covered",
        ]
    return ["--cov", *full_run_options] if is_full_run(options, root) else []


def is_full_run(options: argparse.Namespace, root: Path) -> bool:
    """Whether all tests are run: no part is asked for, and no word after `--` leaves tests out."""
    named = parse_paths(options, root)
    leaves_out = any(
        word.startswith(_DESELECTING_OPTIONS) or word in _DESELECTING_FLAGS
        for word in options.extra
    )
    return options.all and not (options.service or named or leaves_out)


def parse_paths(options: argparse.Namespace, root: Path) -> list[PurePath]:
    """What is said after `--` and is a file or a folder, also with a test's name behind it;
    relative to the repository. Raises ControlError for what is outside it."""
    return [
        _relative_to_root(root, path)
        for path in _iter_positional_arguments(options)
        if (root / path).exists()
    ]


def _iter_positional_arguments(options: argparse.Namespace) -> Iterator[str]:
    """What is said after `--` and is neither an option of pytest nor its value, without the name
    of a test behind it."""
    for last, word in pairwise(["", *options.extra]):
        if last not in _OPTIONS_WITH_VALUE and not word.startswith("-"):
            yield word.partition("::")[0]


def _relative_to_root(root: Path, word: str) -> PurePath:
    path = (root / word).resolve()
    if not path.is_relative_to(root.resolve()):
        raise ControlError(f"{word} is not in this repository", USAGE_ERROR_STATUS)
    return path.relative_to(root.resolve())
