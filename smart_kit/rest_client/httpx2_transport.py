"""Sends the requests of ServiceClient by httpx2, for services that import no aiohttp."""

from collections.abc import Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx2

from smart_kit.rest_client.transport import (
    CONNECT_TIMEOUT_SECONDS,
    KEEPALIVE_SECONDS,
    Response,
    to_upstream_error,
)
from smart_kit.tls import choose_ssl_context

TRANSPORT_ERRORS = (httpx2.TransportError, AttributeError)
"""anyio raises AttributeError for a connection that is reset before it is used."""


class Httpx2Transport:
    """Close it when done."""

    def __init__(self, url: str, handler: httpx2.AsyncBaseTransport | None = None) -> None:
        """`url` is any URL of the server; it decides whether there is TLS.

        `handler` receives the requests in place of the network.
        """
        self._http = httpx2.AsyncClient(
            timeout=httpx2.Timeout(None, connect=CONNECT_TIMEOUT_SECONDS),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # it keeps none
            limits=httpx2.Limits(keepalive_expiry=KEEPALIVE_SECONDS),
            transport=handler,
            verify=choose_ssl_context(url),
            trust_env=False,  # the operator's proxy is not meant for internal calls
        )

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> Response:
        """Send one request and read the whole response. Raises UpstreamUnavailable."""
        try:
            response = await self._http.request(method, url, headers=headers, content=body)
        except TRANSPORT_ERRORS as error:
            raise to_upstream_error(error) from error
        return Response(response.status_code, response.headers, response.content)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()
