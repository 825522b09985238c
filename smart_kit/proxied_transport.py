"""A transport of httpx2 that finds the proxies of the environment by `smart_kit.proxy`."""

import httpx2
from yarl import URL

from smart_kit.proxy import find_proxy
from smart_kit.tls import get_ssl_context

_KEEPALIVE_SECONDS = 3.0


class ProxiedTransport(httpx2.AsyncBaseTransport):
    """Chooses the proxy for each request. httpx2's own choice raises ImportError for a proxy of
    `socks5://`, which others ignore."""

    def __init__(self) -> None:
        self._transports: dict[URL | None, httpx2.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request. Raises ConfigurationError if the URL of its proxy is malformed."""
        proxy = find_proxy(str(request.url))
        if proxy not in self._transports:
            self._transports[proxy] = httpx2.AsyncHTTPTransport(
                verify=get_ssl_context(),
                limits=httpx2.Limits(keepalive_expiry=_KEEPALIVE_SECONDS),
                proxy=str(proxy) if proxy else None,
            )
        return await self._transports[proxy].handle_async_request(request)

    async def aclose(self) -> None:
        """Close the connections."""
        for transport in self._transports.values():
            await transport.aclose()
