"""An event loop with a virtual clock: where nothing happens, its clock goes to the next timer.

Everything that waits by the loop's clock (time-outs, back-off, deadlines) runs as in production,
only sooner; sockets and servers stay real.
"""

import asyncio
import selectors
import time

PATIENCE_SECONDS = 0.1
"""How long a silence of all sockets has to last; what we wait for on this machine comes sooner."""
LATE_TIMES, MOST_SECONDS = 20, 2.0
"""As many times as this thread was late itself, and at most so long, is waited for others too."""


class VirtualClockLoop(asyncio.SelectorEventLoop):
    """For asyncio.Runner(loop_factory=SkippingLoop)."""

    def __init__(self) -> None:
        self.skipped = 0.0
        super().__init__(_VirtualClockSelector(self))

    def time(self) -> float:
        """Real seconds, and those that nobody waited for."""
        return super().time() + self.skipped


class _VirtualClockSelector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualClockLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= PATIENCE_SECONDS:
            return super().select(timeout)
        begun = time.monotonic()
        events = super().select(PATIENCE_SECONDS)
        late = time.monotonic() - begun - PATIENCE_SECONDS
        if not events:  # on a busy machine others come late as well
            events = super().select(min(LATE_TIMES * late, MOST_SECONDS))
        if not events:
            self._loop.skipped += timeout - (time.monotonic() - begun)
        return events
