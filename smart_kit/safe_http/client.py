"""HTTP client for URLs that an administrator or a model wrote. It reaches public servers only.

Servers are untrusted: they may redirect, rebind DNS, send oversized bodies or never finish.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import replace
from itertools import chain

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from multidict import CIMultiDict
from yarl import URL

from smart_kit.errors import UpstreamRejected, UpstreamUnavailable
from smart_kit.safe_http.messages import (
    CONNECTION_HEADERS,
    HEADER_NAME_PATTERN,
    MAX_RESPONSE_BYTES,
    TIMEOUT_SECONDS,
    HttpRequest,
    HttpResponse,
)
from smart_kit.safe_http.public_url import AddressBlocked, CanonicalUrl, check_public_address
from smart_kit.safe_http.resolver import Resolver

MAX_REDIRECTS = 3

_CROSS_ORIGIN_HEADERS = frozenset({"accept", "accept-language", "content-type"})
_INVALID_HEADER_CHARACTERS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
_INITIAL_ORIGIN = ContextVar[str]("first")
"""The origin of the URL that a request began with."""
_METHOD_PRESERVING_REDIRECTS = (307, 308)
_REDIRECT_STATUSES = (301, 302, 303, *_METHOD_PRESERVING_REDIRECTS)

Lookup = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a host for a port. Raises OSError."""
SocketFactory = Callable[[aiohttp.AddrInfoType], socket.socket]


class ResponseTooLarge(UpstreamRejected):
    """The response is larger than 2 MB."""


class RedirectBlocked(AddressBlocked):
    """A redirect leads to a blocked address; the first server has already received the request."""


class InvalidHttpRequest(UpstreamRejected):
    """The request is not valid HTTP; nothing was sent."""


class ConnectionFailed(UpstreamUnavailable):
    """The connection failed; nothing was sent."""


class SafeHttpClient:
    """Create it within an event loop and close it when done.

    Each request opens a new connection, to an address that was checked for it. There are no
    proxies and no cookies.
    """

    def __init__(
        self,
        private_hosts: Collection[str] = (),
        *,
        lookup: Lookup | None = None,
        socket_factory: SocketFactory | None = None,
    ) -> None:
        """`private_hosts`: private servers that are allowed, as `host[:port]`; without a port, the
        ports of http and https. A redirect from another server never leads there."""
        self._private_authorities = frozenset(chain(*map(_parse_authorities, private_hosts)))
        self._resolver = Resolver()
        connector = aiohttp.TCPConnector(
            resolver=_PublicAddressResolver(lookup or self._resolve, self._private_authorities),
            use_dns_cache=False,
            force_close=True,
            limit=0,  # else requests that wait for DNS would block others
            socket_factory=socket_factory,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            timeout=aiohttp.ClientTimeout(total=None),
            headers={"User-Agent": "smart-assistant", "Accept-Encoding": "gzip, deflate"},
        )

    async def close(self) -> None:
        """Close the session and abort open requests."""
        await self._session.close()

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Send a request, follow redirects and return the response, whatever its status.

        Raises AddressBlocked, InvalidHttpRequest and ConnectionFailed if nothing was sent;
        RedirectBlocked, ResponseTooLarge and UpstreamRejected for an unacceptable response;
        UpstreamUnavailable for a broken or slow one.
        """
        _check_headers(request.headers)
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return await self._follow_redirects(request)
        except TimeoutError as error:
            raise UpstreamUnavailable("The server took too long.") from error

    async def _follow_redirects(self, request: HttpRequest) -> HttpResponse:
        url = CanonicalUrl.parse(request.url)
        _INITIAL_ORIGIN.set(url.origin)
        self._check_url(url, is_redirect=False)
        response, location = await self._send_once(request, url)
        try:
            for _ in range(MAX_REDIRECTS):
                if not location:
                    return response
                target = url.join(location)
                if target.origin != url.origin:
                    self._check_url(target, is_redirect=True)
                request = _build_redirected_request(request, response.status, url, target)
                url = target
                response, location = await self._send_once(request, url)
        except ConnectionFailed as error:
            raise UpstreamUnavailable("A redirect leads to an unreachable server.") from error
        except AddressBlocked as error:
            raise RedirectBlocked(f"A redirect was refused. {error.message}") from error
        if location:
            raise UpstreamRejected(f"The server redirected more than {MAX_REDIRECTS} times.")
        return response

    def _check_url(self, url: CanonicalUrl, *, is_redirect: bool) -> None:
        if url.authority not in self._private_authorities:
            url.check_public_host()
        elif is_redirect:
            raise AddressBlocked(f"{url.host} is a private host.")

    async def _send_once(
        self, request: HttpRequest, url: CanonicalUrl
    ) -> tuple[HttpResponse, str | None]:
        """Return the response and the target of its redirect, if any."""
        try:
            async with self._session.request(
                request.method,
                URL(str(url), encoded=True),
                headers=CIMultiDict(request.headers),
                data=request.body,
                allow_redirects=False,
                middlewares=(_prevent_retry,),
            ) as response:
                status, headers = response.status, response.headers
                body = await _read_body(response)
                location = headers.get("Location") if status in _REDIRECT_STATUSES else None
                content_type = headers.get("Content-Type", "")
                return HttpResponse(status, content_type, body, str(url)), location
        except (aiohttp.ClientPayloadError, OSError) as error:
            raise UpstreamUnavailable("The connection was lost.") from error
        except (aiohttp.ClientError, ValueError) as error:
            reason = type(error).__name__
            raise UpstreamRejected(f"The server's response cannot be read: {reason}.") from error

    async def _resolve(self, host: str, port: int) -> list[str]:
        return await self._resolver.resolve(host, port, _INITIAL_ORIGIN.get())


class _PublicAddressResolver(AbstractResolver):
    """Resolves once per connection; all of the addresses must be public."""

    def __init__(self, lookup: Lookup, private_authorities: frozenset[str]) -> None:
        self._lookup = lookup
        self._private_authorities = private_authorities

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002 # both families are resolved
    ) -> list[ResolveResult]:
        try:
            addresses = await self._lookup(host, port)
        except (OSError, UnicodeError) as error:
            raise AddressBlocked(f"{host} cannot be resolved.") from error
        if not addresses:
            raise AddressBlocked(f"{host} cannot be resolved.")
        if f"{host}:{port}" not in self._private_authorities:
            for address in addresses:
                check_public_address(address)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in dict.fromkeys(addresses)
        ]

    async def close(self) -> None:
        """Required by aiohttp; there is nothing to close."""


async def _prevent_retry(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Prevent aiohttp from repeating an interrupted GET, PUT or DELETE."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError as error:
        raise ConnectionFailed(f"The server cannot be reached: {type(error).__name__}.") from error
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise UpstreamUnavailable("The connection was lost.") from error


def _check_headers(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if name.lower() in CONNECTION_HEADERS:
            raise InvalidHttpRequest(f"The header {name} cannot be set.")
        if not HEADER_NAME_PATTERN.fullmatch(name) or _INVALID_HEADER_CHARACTERS.search(value):
            raise InvalidHttpRequest(f"The header {name!r} has an invalid name or value.")


def _parse_authorities(host: str) -> tuple[str, ...]:
    """Raises AddressBlocked if it is not `host[:port]`."""
    urls = [CanonicalUrl.parse(f"{scheme}://{host}") for scheme in ("http", "https")]
    if urls[0].path_and_query != "/":
        raise AddressBlocked(f"{host!r} is not a host with an optional port.")
    return tuple(url.authority for url in urls)


def _build_redirected_request(
    request: HttpRequest, status: int, source: CanonicalUrl, target: CanonicalUrl
) -> HttpRequest:
    """Build the next request. Another server gets neither the body nor the first one's headers."""
    if status not in _METHOD_PRESERVING_REDIRECTS and request.method not in ("GET", "HEAD"):
        request = replace(request, method="GET", body=None)
    if source.origin == target.origin:
        return request
    if request.body is not None:
        raise AddressBlocked("A redirect would send the request's content to another server.")
    headers = request.headers.items()
    allowed = {name: value for name, value in headers if name.lower() in _CROSS_ORIGIN_HEADERS}
    return replace(request, headers=allowed)


async def _read_body(response: aiohttp.ClientResponse) -> bytes:
    if (response.content_length or 0) > MAX_RESPONSE_BYTES:
        raise ResponseTooLarge
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_RESPONSE_BYTES:
            raise ResponseTooLarge
    return bytes(body)
