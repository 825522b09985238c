"""The connections of this process to servers of models: one endpoint for each server and key."""

import asyncio
from collections import Counter
from collections.abc import Iterable

from .endpoint import Endpoint


class EndpointPool:
    """Kept over changes of the configuration as long as somebody holds them."""

    def __init__(self) -> None:
        self._endpoints: dict[tuple[str, str], Endpoint] = {}
        self._reference_counts: Counter[Endpoint] = Counter()
        self._closing: set[asyncio.Task[None]] = set()

    def get(self, base_url: str, api_key: str) -> Endpoint:
        """The endpoint; who wants it to stay holds it before anything is awaited."""
        key = (base_url, api_key)
        if key not in self._endpoints:
            self._endpoints[key] = Endpoint(base_url, api_key)
        return self._endpoints[key]

    def acquire(self, endpoints: Iterable[Endpoint]) -> None:
        """Keep them open until they are released as often."""
        self._reference_counts.update(endpoints)

    def release(self, endpoints: Iterable[Endpoint]) -> None:
        """Close what nobody holds any longer."""
        self._reference_counts.subtract(endpoints)
        for endpoint in [one for one, count in self._reference_counts.items() if count <= 0]:
            del self._reference_counts[endpoint]
            self._endpoints = {
                key: one for key, one in self._endpoints.items() if one is not endpoint
            }
            task = asyncio.get_running_loop().create_task(endpoint.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Close all of them."""
        await asyncio.gather(*(endpoint.close() for endpoint in self._endpoints.values()))
        await asyncio.gather(*self._closing)
