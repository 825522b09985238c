"""The connections of this process to model servers: one endpoint for each address and key."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator

from .endpoint import Endpoint


class EndpointPool:
    """Keeps endpoints over changes of the configuration, as long as they are in use.

    In use are those of the current configuration, and those of a turn that still runs with an
    earlier one.
    """

    def __init__(self) -> None:
        self._endpoints: dict[tuple[str, str], Endpoint] = {}
        self._current: tuple[Endpoint, ...] = ()
        self._reference_counts: Counter[Endpoint] = Counter()
        self._closing: set[asyncio.Task[None]] = set()

    def get(self, base_url: str, api_key: str) -> Endpoint:
        """Return the endpoint; it stays in the pool until its last use ends."""
        key = (base_url, api_key)
        if key not in self._endpoints:
            self._endpoints[key] = Endpoint(base_url, api_key)
        return self._endpoints[key]

    def set_current(self, endpoints: tuple[Endpoint, ...]) -> None:
        """Keep these endpoints open in place of those of the previous configuration."""
        previous, self._current = self._current, endpoints
        self._reference_counts.update(endpoints)
        self._release(previous)

    @contextlib.contextmanager
    def pin(self, endpoints: tuple[Endpoint, ...]) -> Iterator[None]:
        """Keep these endpoints open as long as the block runs."""
        self._reference_counts.update(endpoints)
        try:
            yield
        finally:
            self._release(endpoints)

    async def close(self) -> None:
        """Close all connections."""
        self.set_current(())
        await asyncio.gather(*(endpoint.close() for endpoint in self._endpoints.values()))
        await asyncio.gather(*self._closing)

    def _release(self, endpoints: Iterable[Endpoint]) -> None:
        self._reference_counts.subtract(endpoints)
        for endpoint in [one for one, count in self._reference_counts.items() if count <= 0]:
            del self._reference_counts[endpoint]
            self._endpoints = {
                key: one for key, one in self._endpoints.items() if one is not endpoint
            }
            task = asyncio.get_running_loop().create_task(endpoint.close())
            self._closing.add(task)  # the event loop itself keeps only a weak reference
            task.add_done_callback(self._closing.discard)
