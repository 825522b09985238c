"""Which tests are run, and by how many processes."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

_MOST_PROCESSES = 4
"""docker-compose.test.yml has so many Redis servers."""

IN_PARALLEL = (
    # one more than there are cores: a quarter of the time, a test waits for what it has started
    f"--numprocesses={min((os.cpu_count() or 1) + 1, _MOST_PROCESSES)}",
    "--dist=loadfile",  # tests of one file share what their fixtures start
    "--no-loadscope-reorder",  # long files first, as in testpaths of pyproject.toml
)


def paths(options: argparse.Namespace) -> list[str]:
    """Of the parts that were asked for; none: those of pyproject.toml."""
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


def coverage(options: argparse.Namespace, *of_all: str) -> Sequence[str]:
    """The options of pytest that measure coverage, which costs time: only with `--all`.

    Of parts that were asked for with a report, of all as said.
    """
    if not options.all:
        return []
    if options.service:
        return [*(f"--cov={name}" for name in options.service), "--cov-report=term"]
    return ["--cov", *of_all]


def named_paths(options: argparse.Namespace, root: Path) -> list[str]:
    """What is said after `--` and is a file or a folder, also with a test's name behind it."""
    return [word for word in options.extra if (root / word.partition("::")[0]).exists()]
