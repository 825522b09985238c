"""Runs tg_bot as a process whose clock a test can move ahead.

Its lease lasts longer than any stall of a busy machine. That it ends in Redis is the test's doing.
"""

import asyncio
import os
import time
from pathlib import Path
from types import SimpleNamespace

from smart_kit.service import load_settings
from tg_bot.src.config.settings import TgBotSettings
from tg_bot.src.main import serve
from tg_bot.src.services import lease
from tg_bot.tests.lease_times import CLAIM_SECONDS, LEASE_SECONDS

CLOCK_OFFSET_FILE = "TEST_CLOCK_AHEAD_FILE"
"""The environment variable with the path of the file that holds the seconds."""


class MovableClockLoop(asyncio.SelectorEventLoop):
    def time(self) -> float:
        return monotonic()


def monotonic() -> float:
    """Return the machine's monotonic time plus the seconds in the file."""
    return time.monotonic() + float(Path(os.environ[CLOCK_OFFSET_FILE]).read_text())


if __name__ == "__main__":
    lease.time = SimpleNamespace(monotonic=monotonic)  # type: ignore[assignment,attr-defined] # both
    lease.CLAIMS_PER_LEASE = LEASE_SECONDS / CLAIM_SECONDS  # type: ignore[assignment] # a fraction
    settings = load_settings("tg_bot", TgBotSettings)
    with asyncio.Runner(loop_factory=MovableClockLoop) as runner:
        runner.run(serve(settings, lease_seconds=LEASE_SECONDS))
