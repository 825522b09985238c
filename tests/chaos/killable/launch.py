"""Runs a service's main module as production does, and knows each of its side effects.

`python -m tests.chaos.killable.launch SERVICE MODULE`
"""

import os
import runpy
import sys
from pathlib import Path

from tests.chaos.killable import fast_timings, file_boundary, http_boundary, redis_boundary
from tests.chaos.killable.broken_mailboxes import BrokenMailbox
from tests.chaos.killable.crash_points import CrashPoints


def main() -> None:
    """The arguments after these two are the service's."""
    service, module, *rest = sys.argv[1:]
    state_dir = Path(os.environ["STATE_DIR"])
    crash_points = CrashPoints(service, state_dir)
    redis_boundary.wrap(crash_points, BrokenMailbox(state_dir))
    http_boundary.wrap(crash_points)
    if service == "rest_service":
        from tests.chaos.killable import postgres_boundary

        postgres_boundary.wrap(crash_points)
    file_boundary.wrap(crash_points)
    fast_timings.shorten_timings(service)
    sys.argv[1:] = rest
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
