"""Runs the main module of a service as production does, with crash points at its side effects.

`python -m tests.chaos.killable.launch SERVICE MODULE`
"""

import os
import runpy
import sys
from pathlib import Path

from tests.chaos.killable import fast_timings, file_boundary, http_boundary, redis_boundary
from tests.chaos.killable.broken_mailboxes import BrokenMailbox
from tests.chaos.killable.crash_points import CrashPoints
from tests.chaos.killable.stale_leases import expire_stale_leases


def prepare(service: str) -> None:
    """Prepare this process before the main module of the service is imported."""
    file_boundary.instrument(_make_crash_points(service))
    fast_timings.shorten_timings(service)


def run(service: str, module: str) -> None:
    """Run the main module of the service in this process."""
    crash_points = _make_crash_points(service)
    crash_points.wait_until_released()
    expire_stale_leases(service)
    redis_boundary.instrument(crash_points, BrokenMailbox(Path(os.environ["STATE_DIR"])))
    http_boundary.instrument(crash_points)
    if service == "rest_service":
        from tests.chaos.killable import postgres_boundary

        postgres_boundary.instrument(crash_points)
    sys.argv[1:] = []
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _make_crash_points(service: str) -> CrashPoints:
    return CrashPoints(service, Path(os.environ["STATE_DIR"]))


if __name__ == "__main__":
    prepare(sys.argv[1])
    run(*sys.argv[1:])
