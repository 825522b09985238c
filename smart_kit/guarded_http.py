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
from smart_kit.outside_names import OutsideNames
from smart_kit.outside_url import AddressRefused, OutsideUrl, check_address

MOST_BYTES = 2 * 1024 * 1024
"""Of an answer's body, compressed or not."""
SECONDS = 10.0
"""For everything: names, redirects, the body's last byte."""
MOST_REDIRECTS = 3

OF_THE_CONNECTION = frozenset(
    {"connection", "content-length", "expect", "host", "te", "trailer", "transfer-encoding"}
    | {"keep-alive", "upgrade"}
)
"""Headers, in small letters, by which one request is told from the next."""
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

_GOES_ANYWHERE = frozenset({"accept", "accept-language", "content-type"})
_NOT_IN_A_LINE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
_FIRST = ContextVar[str]("first")
"""The server that a request names, whatever it redirects to."""
_SAME_METHOD = (HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.PERMANENT_REDIRECT)
_REDIRECTS = (HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.FOUND, HTTPStatus.SEE_OTHER, *_SAME_METHOD)

Lookup = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a name, for a port. Raises OSError."""
Sockets = Callable[[aiohttp.AddrInfoType], socket.socket]


class AnswerTooLarge(UpstreamRejected):
    """The answer is larger than 2 MB."""


class RedirectRefused(AddressRefused):
    """A redirect leads to an address that may not be asked; the first server has been."""


class NotSendable(UpstreamRejected):
    """The request is none that HTTP knows, so nothing was sent."""


class NotReached(UpstreamUnavailable):
    """No connection came about, so nothing was sent."""


@dataclass(frozen=True)
class OutsideRequest:
    """What is to be sent."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True)
class OutsideAnswer:
    """What came back, from whatever URL the last redirect led to."""

    status: int
    content_type: str
    """As the server says: perhaps with a charset, perhaps empty."""
    body: bytes
    url: str


class GuardedHttp:
    """Made within an event loop; close it when done.

    Every connection goes to an address that was checked for it; none is used twice. Proxies and
    cookies are not known here.
    """

    def __init__(
        self,
        private_hosts: Collection[str] = (),
        *,
        lookup: Lookup | None = None,
        sockets: Sockets | None = None,
    ) -> None:
        """`private_hosts`: `host[:port]` that may be asked although they are private, without a
        port those of http and https. A redirect from elsewhere never leads there."""
        self._private = frozenset(one for host in private_hosts for one in _authorities(host))
        self._names = OutsideNames()
        connector = aiohttp.TCPConnector(
            resolver=_CheckedResolver(lookup or self._addresses_of, self._private),
            use_dns_cache=False,
            force_close=True,
            limit=0,  # else those who wait for their names are in everybody's way
            socket_factory=sockets,
        )
        self._http = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            timeout=aiohttp.ClientTimeout(total=None),
            headers={"User-Agent": "smart-assistant", "Accept-Encoding": "gzip, deflate"},
        )

    async def close(self) -> None:
        """End what is still on its way."""
        await self._http.close()

    async def send(self, request: OutsideRequest) -> OutsideAnswer:
        """The answer, whatever its status.

        Raises AddressRefused, NotSendable and NotReached where nothing was sent; RedirectRefused,
        AnswerTooLarge and UpstreamRejected where the answer makes no sense; UpstreamUnavailable
        where it broke off or took too long.
        """
        _check_headers(request.headers)
        try:
            async with asyncio.timeout(SECONDS):
                return await self._follow(request)
        except TimeoutError as error:
            raise UpstreamUnavailable("The server took too long.") from error

    async def _follow(self, request: OutsideRequest) -> OutsideAnswer:
        url = OutsideUrl.parse(request.url)
        _FIRST.set(url.origin)
        self._check(url, is_redirect=False)
        answer, location = await self._send_once(request, url)
        try:
            for _ in range(MOST_REDIRECTS):
                if not location:
                    return answer
                target = url.joined(location)
                if target.origin != url.origin:
                    self._check(target, is_redirect=True)
                request = _redirected(request, answer.status, url, target)
                url = target
                answer, location = await self._send_once(request, url)
        except NotReached as error:
            raise UpstreamUnavailable("A redirect leads to a server that is away.") from error
        except AddressRefused as error:
            raise RedirectRefused(f"A redirect was refused. {error.message}") from error
        if location:
            raise UpstreamRejected(f"The server redirected more than {MOST_REDIRECTS} times.")
        return answer

    def _check(self, url: OutsideUrl, *, is_redirect: bool) -> None:
        if url.authority not in self._private:
            url.check()
        elif is_redirect:
            raise AddressRefused(f"{url.host} is a private host.")

    async def _send_once(
        self, request: OutsideRequest, url: OutsideUrl
    ) -> tuple[OutsideAnswer, str | None]:
        """The answer, and where it redirects to, if it does."""
        try:
            async with self._http.request(
                request.method,
                URL(str(url), encoded=True),
                headers=CIMultiDict(request.headers),
                data=request.body,
                allow_redirects=False,
                middlewares=(_once,),
            ) as response:
                answer = OutsideAnswer(
                    response.status,
                    response.headers.get("Content-Type", ""),
                    await _body(response),
                    str(url),
                )
                is_redirect = response.status in _REDIRECTS
                return answer, response.headers.get("Location") if is_redirect else None
        except (aiohttp.ClientPayloadError, OSError) as error:
            raise UpstreamUnavailable("The server broke off.") from error
        except (aiohttp.ClientError, ValueError) as error:
            reason = type(error).__name__
            raise UpstreamRejected(f"The server's answer cannot be read: {reason}.") from error

    async def _addresses_of(self, host: str, port: int) -> list[str]:
        return await self._names.addresses(host, port, _FIRST.get())


class _CheckedResolver(AbstractResolver):
    """Asks once for each connection; all that was answered has to be public."""

    def __init__(self, lookup: Lookup, private: frozenset[str]) -> None:
        self._lookup = lookup
        self._private = private

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002 # both are asked for
    ) -> list[ResolveResult]:
        try:
            addresses = await self._lookup(host, port)
        except (OSError, UnicodeError) as error:
            raise AddressRefused(f"{host} is not known.") from error
        if not addresses:
            raise AddressRefused(f"{host} is not known.")
        if f"{host}:{port}" not in self._private:
            for address in addresses:
                check_address(address)
        return [_result(host, port, address) for address in dict.fromkeys(addresses)]

    async def close(self) -> None:
        """Nothing is held."""


async def _once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """aiohttp would send a GET, PUT or DELETE again that was broken off, though it was perhaps
    carried out."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError as error:
        raise NotReached(f"The server cannot be reached: {type(error).__name__}.") from error
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise UpstreamUnavailable("The server broke off.") from error


def _result(host: str, port: int, address: str) -> ResolveResult:
    return ResolveResult(
        hostname=host,
        host=address,
        port=port,
        family=socket.AF_INET6 if ":" in address else socket.AF_INET,
        proto=socket.IPPROTO_TCP,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )


def _check_headers(headers: Mapping[str, str]) -> None:
    for name, text in headers.items():
        if name.lower() in OF_THE_CONNECTION:
            raise NotSendable(f"The header {name} cannot be set.")
        if not HEADER_NAME.fullmatch(name) or _NOT_IN_A_LINE.search(text):
            raise NotSendable(f"The header {name!r} cannot be sent as it is.")


def _authorities(host: str) -> tuple[str, ...]:
    """Raises AddressRefused where it is not `host[:port]`."""
    urls = [OutsideUrl.parse(f"{scheme}://{host}") for scheme in ("http", "https")]
    if urls[0].rest != "/":
        raise AddressRefused(f"{host!r} is not a host, with or without a port.")
    return tuple(url.authority for url in urls)


def _redirected(
    request: OutsideRequest, status: int, source: OutsideUrl, target: OutsideUrl
) -> OutsideRequest:
    """The request at its next address: another server is told nothing that was meant for the
    first."""
    keeps = status in _SAME_METHOD or request.method in ("GET", "HEAD")
    if not keeps:
        request = replace(request, method="GET", body=None)
    if source.origin == target.origin:
        return request
    if request.body is not None:
        raise AddressRefused("A redirect would send the request's content to another server.")
    kept = {
        name: value for name, value in request.headers.items() if name.lower() in _GOES_ANYWHERE
    }
    return replace(request, headers=kept)


async def _body(response: aiohttp.ClientResponse) -> bytes:
    if (response.content_length or 0) > MOST_BYTES:
        raise AnswerTooLarge
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MOST_BYTES:
            raise AnswerTooLarge
    return bytes(body)
