"""Sends the requests of ServiceClient by aiohttp, for services that call rest_service often."""

from collections.abc import Mapping

import aiohttp

from smart_kit.errors import UpstreamUnavailable
from smart_kit.rest_client.transport import (
    CONNECT_TIMEOUT_SECONDS,
    KEEPALIVE_SECONDS,
    Response,
    to_upstream_error,
)
from smart_kit.tls import choose_ssl_context


class AiohttpTransport:
    """Create it within an event loop and close it when done."""

    def __init__(self, url: str) -> None:
        """`url` is any URL of the server; it decides whether there is TLS."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,  # the slots of the worker limit the requests
                keepalive_timeout=KEEPALIVE_SECONDS,
                ssl=choose_ssl_context(url),
                use_dns_cache=False,  # a server that was replaced has another address
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_TIMEOUT_SECONDS),
            middlewares=(_prevent_retry,),
            trust_env=False,  # the operator's proxy is not meant for internal calls
        )

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> Response:
        """Send one request and read the whole response. Raises UpstreamUnavailable."""
        try:
            async with self._session.request(
                method, url, headers=headers, data=body, allow_redirects=False
            ) as response:
                return Response(response.status, response.headers, await response.read())
        except (aiohttp.ClientError, OSError) as error:
            raise _to_upstream_error(error) from error

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()


async def _prevent_retry(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Prevent aiohttp from repeating an interrupted GET, PUT or DELETE; ServiceClient repeats."""
    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _to_upstream_error(error) from error


def _to_upstream_error(error: Exception) -> UpstreamUnavailable:
    if isinstance(error, aiohttp.ServerDisconnectedError):
        error = aiohttp.ServerDisconnectedError()  # its text may be an unfinished response
    return to_upstream_error(error)
