"""Runs the main module of a service as production does, with the leases of a short storm.

`python -m tests.chaos.storm.launch SERVICE MODULE`
"""

import runpy
import sys

from tests.chaos.launcher.leases import shorten_leases
from tests.chaos.storm.plan import SHORT_TIMINGS


def prepare(service: str) -> None:
    """Prepare this process before the main module of the service is imported."""
    shorten_leases(service, SHORT_TIMINGS.lease_seconds)


def run(service: str, module: str) -> None:
    """Run the main module of the service in this process."""
    sys.argv[1:] = []
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    prepare(sys.argv[1])
    run(*sys.argv[1:])
