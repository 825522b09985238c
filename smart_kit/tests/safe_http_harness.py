"""SafeHttpClient with fake DNS and sockets, and servers on this machine."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from smart_kit.errors import UpstreamRejected, UpstreamUnavailable
from smart_kit.safe_http.client import SafeHttpClient
from smart_kit.safe_http.messages import HttpRequest, HttpResponse
from smart_kit.safe_http.public_url import AddressBlocked

PUBLIC_ADDRESS = "93.184.215.14"
DnsLookups = list[tuple[str, int]]


class CanaryServer:
    """A server on this machine that must never be called."""

    def __init__(self) -> None:
        self.port = 0
        self.connection_count = 0

    async def handle_connection(
        self, _: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connection_count += 1
        writer.close()


class FakeResolver:
    """Returns the given lists of addresses in order, then always the last one."""

    def __init__(self, *responses: tuple[str, ...]) -> None:
        self.lookups: DnsLookups = []
        self._responses = list(responses)

    async def __call__(self, host: str, port: int) -> tuple[str, ...]:
        self.lookups.append((host, port))
        return self._responses.pop(0) if len(self._responses) > 1 else self._responses[0]


class FakeSocketFactory:
    """Records the dialled addresses and never connects."""

    def __init__(self) -> None:
        self.dialed: list[str] = []

    def __call__(self, address: Any) -> socket.socket:
        self.dialed.append(address[4][0])
        raise OSError("no such network")


@asynccontextmanager
async def make_safe_http_client(**parts: Any) -> AsyncIterator[SafeHttpClient]:
    made = SafeHttpClient(**parts)
    try:
        yield made
    finally:
        await made.close()


def make_get_request(url: str, **parts: Any) -> HttpRequest:
    return HttpRequest("GET", url, **parts)


async def is_address_blocked(http: SafeHttpClient, url: str) -> bool:
    """A socket that only records its address."""
    try:
        await http.send(make_get_request(url))
    except AddressBlocked:
        return True
    except (UpstreamRejected, UpstreamUnavailable):
        return False
    return False


AiohttpHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class AllowedServer:
    """A server on this machine that is an allowed private host."""

    def __init__(
        self, http: SafeHttpClient, server: TestServer, requests: list[web.Request]
    ) -> None:
        self._http = http
        self._server = server
        self.requests = requests

    def url(self, host: str = "one.example") -> str:
        return f"http://{host}:{self._server.port}/start"

    async def send(self, method: str = "GET", **parts: Any) -> HttpResponse:
        return await self._http.send(HttpRequest(method, self.url(), **parts))


@asynccontextmanager
async def run_allowed_server(handler: AiohttpHandler, *hosts: str) -> AsyncIterator[AllowedServer]:
    """Run a server that every name resolves to. Only one.example and `hosts` are allowed."""
    requests: list[web.Request] = []

    async def record_request(request: web.Request) -> web.StreamResponse:
        await request.read()
        requests.append(request)
        return await handler(request)

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", record_request)
    async with TestServer(app, host="127.0.0.1") as server:
        private = [f"{host}:{server.port}" for host in ("one.example", *hosts)]
        async with make_safe_http_client(
            private_hosts=private, lookup=FakeResolver(("127.0.0.1",))
        ) as http:
            yield AllowedServer(http, server, requests)


def make_redirect_handler(status: int, target: Callable[[web.Request], str]) -> AiohttpHandler:
    async def handle(request: web.Request) -> web.StreamResponse:
        if request.path != "/start":
            return web.Response(text="the end")
        return web.Response(status=status, headers={"Location": target(request)})

    return handle
