"""Being the supervisor: what `start` runs in the background."""

import argparse
import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from control.context import Context
from control.file_lock import FileLock
from control.local.suite import Suite
from control.local.supervisor import supervise


def run(context: Context, options: argparse.Namespace) -> int:
    def load_suite(environ: Mapping[str, str]) -> Suite:
        return Suite.from_context(replace(context, environ=environ), Path(options.python))

    lock = FileLock(options.lock)
    try:
        asyncio.run(supervise(load_suite(context.environ), load_suite))
    finally:
        lock.release()
    return 0
