"""How long to wait before the next try."""

import asyncio
import contextlib
import random

FIRST_SECONDS = 0.5
LONGEST_SECONDS = 30.0


class Backoff:
    """Grows with each failure in a row, with some jitter."""

    def __init__(self, longest: float = LONGEST_SECONDS) -> None:
        self._longest = longest
        self._failures = 0

    def reset(self) -> None:
        """It went well."""
        self._failures = 0

    def next_seconds(self) -> float:
        """After one more failure."""
        seconds = min(FIRST_SECONDS * 2.0 ** min(self._failures, 10), self._longest)
        self._failures += 1
        return seconds * random.uniform(0.75, 1.0)  # noqa: S311 # no secret depends on it


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait, but not beyond a stop."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
