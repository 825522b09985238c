"""Which tests are run, and by how many processes."""

import argparse
import os
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path, PurePath

from control.arguments import USAGE
from control.errors import ControlError

_MOST_PROCESSES = 4
"""docker-compose.test.yml has so many Redis servers."""

IN_PARALLEL = (
    # one more than there are cores: a quarter of the time, a test waits for what it has started
    f"--numprocesses={min((os.cpu_count() or 1) + 1, _MOST_PROCESSES)}",
    "--dist=loadfile",  # tests of one file share what their fixtures start
    "--no-loadscope-reorder",  # long files first, as in testpaths of pyproject.toml
)

_TAKE_A_WORD = (
    *("-k", "-m", "-p", "-c", "-o", "-n", "-r", "-W", "--tb", "--maxfail", "--durations"),
    *("--deselect", "--ignore", "--ignore-glob", "--basetemp", "--confcutdir", "--rootdir"),
    *("--cov-config", "--junit-xml", "--junitxml", "--log-file"),
)
"""Options of pytest after which a word is no path, even where a folder has its name."""
_LEAVE_OUT = ("-k", "-m", "--deselect", "--ignore")
"""What an option of pytest begins with that leaves tests out, and its value may follow at once."""
_LEAVE_OUT_ALONE = frozenset(
    ("--lf", "--last-failed", "--sw", "--stepwise", "--co", "--collect-only")
)


def check(options: argparse.Namespace, root: Path) -> None:
    """Raises ControlError for a choice of tests that contradicts itself or names none."""
    if options.service and named_paths(options, root):
        raise ControlError("name tests either by --service or by their paths after --", USAGE)
    for path in _positional(options):
        # where several processes test, pytest does not say so
        if (path.endswith(".py") or "/" in path) and not (root / path).exists():
            raise ControlError(f"there is no file or folder {path}", USAGE)


def in_parallel(options: argparse.Namespace, root: Path) -> Sequence[str]:
    """The options of pytest for several processes; none for one file, which one process tests."""
    named = named_paths(options, root)
    return () if len(named) == 1 and (root / named[0]).is_file() else IN_PARALLEL


def paths(options: argparse.Namespace) -> list[str]:
    """The folders of the parts that were asked for; with none, pytest takes all."""
    return [f"{name}/tests" for name in options.service]


def having(*conditions: str) -> list[str]:
    """The option of pytest for tests whose markers fulfil all conditions; empty ones do not count.

    The markers are described in pyproject.toml.
    """
    expression = " and ".join(filter(None, conditions))
    return ["-m", expression] if expression else []


def not_slow(options: argparse.Namespace) -> str:
    """The condition that leaves the slow tests to `--all`."""
    return "" if options.all else "not slow"


def coverage(options: argparse.Namespace, root: Path, *of_all: str) -> Sequence[str]:
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
    return ["--cov", *of_all] if is_everything(options, root) else []


def is_everything(options: argparse.Namespace, root: Path) -> bool:
    """Whether all tests are run: no part is asked for, and no word after `--` leaves tests out."""
    named = named_paths(options, root)
    leaves_out = any(
        word.startswith(_LEAVE_OUT) or word in _LEAVE_OUT_ALONE for word in options.extra
    )
    return options.all and not (options.service or named or leaves_out)


def named_paths(options: argparse.Namespace, root: Path) -> list[PurePath]:
    """What is said after `--` and is a file or a folder, also with a test's name behind it;
    relative to the repository. Raises ControlError for what is outside it."""
    return [_within(root, path) for path in _positional(options) if (root / path).exists()]


def _positional(options: argparse.Namespace) -> Iterator[str]:
    """What is said after `--` and is neither an option of pytest nor its value, without the name
    of a test behind it."""
    for last, word in pairwise(["", *options.extra]):
        if last not in _TAKE_A_WORD and not word.startswith("-"):
            yield word.partition("::")[0]


def _within(root: Path, word: str) -> PurePath:
    path = (root / word).resolve()
    if not path.is_relative_to(root.resolve()):
        raise ControlError(f"{word} is not in this repository", USAGE)
    return path.relative_to(root.resolve())
