"""The connections of this process to servers of models: one endpoint for each server and key."""

import asyncio
from collections import Counter
from collections.abc import Iterable

from .endpoint import Endpoint


class Endpoints:
    """Kept over changes of the configuration as long as somebody holds them."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Endpoint] = {}
        self._holders: Counter[Endpoint] = Counter()
        self._closing: set[asyncio.Task[None]] = set()

    def of(self, base_url: str, api_key: str) -> Endpoint:
        """The endpoint; who wants it to stay holds it before anything is awaited."""
        key = (base_url, api_key)
        if key not in self._known:
            self._known[key] = Endpoint(base_url, api_key)
        return self._known[key]

    def hold(self, endpoints: Iterable[Endpoint]) -> None:
        """Keep them open until they are released as often."""
        self._holders.update(endpoints)

    def release(self, endpoints: Iterable[Endpoint]) -> None:
        """Close what nobody holds any longer."""
        self._holders.subtract(endpoints)
        for endpoint in [one for one, holders in self._holders.items() if holders <= 0]:
            del self._holders[endpoint]
            self._known = {key: one for key, one in self._known.items() if one is not endpoint}
            task = asyncio.get_running_loop().create_task(endpoint.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Close all of them."""
        await asyncio.gather(*(endpoint.close() for endpoint in self._known.values()))
        await asyncio.gather(*self._closing)
