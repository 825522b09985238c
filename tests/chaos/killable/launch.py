"""Runs a service's main module as production does, and knows each of its side effects.

`python -m tests.chaos.killable.launch SERVICE MODULE`
"""

import os
import runpy
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.chaos.killable import fast_timings, file_boundary, http_boundary, redis_boundary
from tests.chaos.killable.broken_mailboxes import BrokenMailbox
from tests.chaos.killable.crash_points import CrashPoints


def prepare(service: str) -> CrashPoints:
    """Before its main module is imported or run."""
    crash_points = CrashPoints(service, Path(os.environ["STATE_DIR"]))
    file_boundary.wrap(crash_points)
    fast_timings.shorten_timings(service)
    return crash_points


def run(service: str, module: str, arguments: Iterable[str], crash_points: CrashPoints) -> None:
    """In the process that is to be the service."""
    redis_boundary.wrap(crash_points, BrokenMailbox(Path(os.environ["STATE_DIR"])))
    http_boundary.wrap(crash_points)
    if service == "rest_service":
        from tests.chaos.killable import postgres_boundary

        postgres_boundary.wrap(crash_points)
    sys.argv[1:] = arguments
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def main() -> None:
    """The arguments after these two are the service's."""
    service, module, *rest = sys.argv[1:]
    run(service, module, rest, prepare(service))


if __name__ == "__main__":
    main()
