"""Being the supervisor: what `start` runs in the background."""

import argparse
import asyncio
from pathlib import Path

from control.context import Context
from control.local.suite import Suite
from control.local.supervisor import supervise
from control.lock import Lock


def run(context: Context, options: argparse.Namespace) -> int:
    suite = Suite(context.settings, context.services, Path(options.python))
    lock = Lock(options.lock)
    try:
        asyncio.run(supervise(suite))
    finally:
        lock.release()
    return 0
