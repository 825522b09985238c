"""Requests to addresses that an administrator or a model wrote: only to public servers.

Whoever answers is nobody's friend: it may redirect, rebind its name, send too much or never end.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from http import HTTPStatus

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from multidict import CIMultiDict
from yarl import URL

from smart_kit.errors import UpstreamRejected, UpstreamUnavailable
from smart_kit.safe_http.public_url import AddressBlocked, PublicUrl, check_public_address
from smart_kit.safe_http.resolver import Resolver

MAX_RESPONSE_BYTES = 2 * 1024 * 1024
"""Of an answer's body, compressed or not."""
TIMEOUT_SECONDS = 10.0
"""For everything: names, redirects, the body's last byte."""
MAX_REDIRECTS = 3

CONNECTION_HEADERS = frozenset(
    {"connection", "content-length", "expect", "host", "te", "trailer", "transfer-encoding"}
    | {"keep-alive", "upgrade"}
)
"""Headers, in small letters, by which one request is told from the next."""
HEADER_NAME_PATTERN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

_CROSS_ORIGIN_HEADERS = frozenset({"accept", "accept-language", "content-type"})
_INVALID_HEADER_CHARACTERS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
_INITIAL_ORIGIN = ContextVar[str]("first")
"""The server that a request names, whatever it redirects to."""
_METHOD_PRESERVING_REDIRECTS = (HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.PERMANENT_REDIRECT)
_REDIRECT_STATUSES = (
    HTTPStatus.MOVED_PERMANENTLY,
    HTTPStatus.FOUND,
    HTTPStatus.SEE_OTHER,
    *_METHOD_PRESERVING_REDIRECTS,
)

Lookup = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a name, for a port. Raises OSError."""
SocketFactory = Callable[[aiohttp.AddrInfoType], socket.socket]


class ResponseTooLarge(UpstreamRejected):
    """The answer is larger than 2 MB."""


class RedirectBlocked(AddressBlocked):
    """A redirect leads to an address that may not be asked; the first server has been."""


class InvalidHttpRequest(UpstreamRejected):
    """The request is none that HTTP knows, so nothing was sent."""


class ConnectionFailed(UpstreamUnavailable):
    """No connection came about, so nothing was sent."""


@dataclass(frozen=True)
class HttpRequest:
    """What is to be sent."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True)
class HttpResponse:
    """What came back, from whatever URL the last redirect led to."""

    status: int
    content_type: str
    """As the server says: perhaps with a charset, perhaps empty."""
    body: bytes
    url: str


class SafeHttpClient:
    """Made within an event loop; close it when done.

    Every connection goes to an address that was checked for it; none is used twice. Proxies and
    cookies are not known here.
    """

    def __init__(
        self,
        private_hosts: Collection[str] = (),
        *,
        lookup: Lookup | None = None,
        socket_factory: SocketFactory | None = None,
    ) -> None:
        """`private_hosts`: `host[:port]` that may be asked although they are private, without a
        port those of http and https. A redirect from elsewhere never leads there."""
        self._private_authorities = frozenset(
            one for host in private_hosts for one in _parse_authorities(host)
        )
        self._resolver = Resolver()
        connector = aiohttp.TCPConnector(
            resolver=_PublicAddressResolver(lookup or self._resolve, self._private_authorities),
            use_dns_cache=False,
            force_close=True,
            limit=0,  # else those who wait for their names are in everybody's way
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
        """End what is still on its way."""
        await self._session.close()

    async def send(self, request: HttpRequest) -> HttpResponse:
        """The answer, whatever its status.

        Raises AddressRefused, NotSendable and NotReached where nothing was sent; RedirectRefused,
        AnswerTooLarge and UpstreamRejected where the answer makes no sense; UpstreamUnavailable
        where it broke off or took too long.
        """
        _check_headers(request.headers)
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return await self._follow_redirects(request)
        except TimeoutError as error:
            raise UpstreamUnavailable("The server took too long.") from error

    async def _follow_redirects(self, request: HttpRequest) -> HttpResponse:
        url = PublicUrl.parse(request.url)
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
                request = _build_redirect(request, response.status, url, target)
                url = target
                response, location = await self._send_once(request, url)
        except ConnectionFailed as error:
            raise UpstreamUnavailable("A redirect leads to a server that is away.") from error
        except AddressBlocked as error:
            raise RedirectBlocked(f"A redirect was refused. {error.message}") from error
        if location:
            raise UpstreamRejected(f"The server redirected more than {MAX_REDIRECTS} times.")
        return response

    def _check_url(self, url: PublicUrl, *, is_redirect: bool) -> None:
        if url.authority not in self._private_authorities:
            url.check_host()
        elif is_redirect:
            raise AddressBlocked(f"{url.host} is a private host.")

    async def _send_once(
        self, request: HttpRequest, url: PublicUrl
    ) -> tuple[HttpResponse, str | None]:
        """The answer, and where it redirects to, if it does."""
        try:
            async with self._session.request(
                request.method,
                URL(str(url), encoded=True),
                headers=CIMultiDict(request.headers),
                data=request.body,
                allow_redirects=False,
                middlewares=(_prevent_retry,),
            ) as response:
                http_response = HttpResponse(
                    response.status,
                    response.headers.get("Content-Type", ""),
                    await _read_body(response),
                    str(url),
                )
                is_redirect = response.status in _REDIRECT_STATUSES
                return http_response, response.headers.get("Location") if is_redirect else None
        except (aiohttp.ClientPayloadError, OSError) as error:
            raise UpstreamUnavailable("The server broke off.") from error
        except (aiohttp.ClientError, ValueError) as error:
            reason = type(error).__name__
            raise UpstreamRejected(f"The server's answer cannot be read: {reason}.") from error

    async def _resolve(self, host: str, port: int) -> list[str]:
        return await self._resolver.resolve(host, port, _INITIAL_ORIGIN.get())


class _PublicAddressResolver(AbstractResolver):
    """Asks once for each connection; all that was answered has to be public."""

    def __init__(self, lookup: Lookup, private_authorities: frozenset[str]) -> None:
        self._lookup = lookup
        self._private_authorities = private_authorities

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002 # both are asked for
    ) -> list[ResolveResult]:
        try:
            addresses = await self._lookup(host, port)
        except (OSError, UnicodeError) as error:
            raise AddressBlocked(f"{host} is not known.") from error
        if not addresses:
            raise AddressBlocked(f"{host} is not known.")
        if f"{host}:{port}" not in self._private_authorities:
            for address in addresses:
                check_public_address(address)
        return [_to_resolve_result(host, port, address) for address in dict.fromkeys(addresses)]

    async def close(self) -> None:
        """Nothing is held."""


async def _prevent_retry(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """aiohttp would send a GET, PUT or DELETE again that was broken off, though it was perhaps
    carried out."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError as error:
        raise ConnectionFailed(f"The server cannot be reached: {type(error).__name__}.") from error
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise UpstreamUnavailable("The server broke off.") from error


def _to_resolve_result(host: str, port: int, address: str) -> ResolveResult:
    return ResolveResult(
        hostname=host,
        host=address,
        port=port,
        family=socket.AF_INET6 if ":" in address else socket.AF_INET,
        proto=socket.IPPROTO_TCP,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )


def _check_headers(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if name.lower() in CONNECTION_HEADERS:
            raise InvalidHttpRequest(f"The header {name} cannot be set.")
        if not HEADER_NAME_PATTERN.fullmatch(name) or _INVALID_HEADER_CHARACTERS.search(value):
            raise InvalidHttpRequest(f"The header {name!r} cannot be sent as it is.")


def _parse_authorities(host: str) -> tuple[str, ...]:
    """Raises AddressRefused where it is not `host[:port]`."""
    urls = [PublicUrl.parse(f"{scheme}://{host}") for scheme in ("http", "https")]
    if urls[0].path_and_query != "/":
        raise AddressBlocked(f"{host!r} is not a host, with or without a port.")
    return tuple(url.authority for url in urls)


def _build_redirect(
    request: HttpRequest, status: int, source: PublicUrl, target: PublicUrl
) -> HttpRequest:
    """The request at its next address: another server is told nothing that was meant for the
    first."""
    preserves_method = status in _METHOD_PRESERVING_REDIRECTS or request.method in ("GET", "HEAD")
    if not preserves_method:
        request = replace(request, method="GET", body=None)
    if source.origin == target.origin:
        return request
    if request.body is not None:
        raise AddressBlocked("A redirect would send the request's content to another server.")
    headers = {
        name: value
        for name, value in request.headers.items()
        if name.lower() in _CROSS_ORIGIN_HEADERS
    }
    return replace(request, headers=headers)


async def _read_body(response: aiohttp.ClientResponse) -> bytes:
    if (response.content_length or 0) > MAX_RESPONSE_BYTES:
        raise ResponseTooLarge
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_RESPONSE_BYTES:
            raise ResponseTooLarge
    return bytes(body)
