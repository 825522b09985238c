"""The guarded HTTP client of tests, with fake DNS and sockets, and servers on this machine."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from smart_kit.errors import UpstreamRejected, UpstreamUnavailable
from smart_kit.guarded_http import GuardedHttp, OutsideAnswer, OutsideRequest
from smart_kit.outside_url import AddressRefused

PUBLIC = "93.184.215.14"
Lookups = list[tuple[str, int]]


class Canary:
    """Listens on this machine; nobody may ever call."""

    def __init__(self) -> None:
        self.port = 0
        self.calls = 0

    async def hear(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.calls += 1
        writer.close()


class FakeDns:
    """Answers the given lists of addresses one after the other, the last one for ever."""

    def __init__(self, *answers: tuple[str, ...]) -> None:
        self.asked: Lookups = []
        self._answers = list(answers)

    async def __call__(self, host: str, port: int) -> tuple[str, ...]:
        self.asked.append((host, port))
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


class FakeSockets:
    """Notes which address is dialled, and is never connected to any."""

    def __init__(self) -> None:
        self.dialled: list[str] = []

    def __call__(self, address: Any) -> socket.socket:
        self.dialled.append(address[4][0])
        raise OSError("no such network")


@asynccontextmanager
async def guarded_http_client(**parts: Any) -> AsyncIterator[GuardedHttp]:
    made = GuardedHttp(**parts)
    try:
        yield made
    finally:
        await made.close()


def get_request(url: str, **parts: Any) -> OutsideRequest:
    return OutsideRequest("GET", url, **parts)


async def is_refused(http: GuardedHttp, url: str) -> bool:
    """Nothing else than for its address."""
    try:
        await http.send(get_request(url))
    except AddressRefused:
        return True
    except (UpstreamRejected, UpstreamUnavailable):
        return False
    return False


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class AllowedServer:
    """A server that a test has declared to be asked although it is here."""

    def __init__(self, http: GuardedHttp, server: TestServer, heard: list[web.Request]) -> None:
        self._http = http
        self._server = server
        self.heard = heard

    def url(self, host: str = "one.example") -> str:
        return f"http://{host}:{self._server.port}/start"

    async def send(self, method: str = "GET", **parts: Any) -> OutsideAnswer:
        return await self._http.send(OutsideRequest(method, self.url(), **parts))


@asynccontextmanager
async def allowed_server(handler: Handler, *hosts: str) -> AsyncIterator[AllowedServer]:
    """Both names lead to one server; to the guard only the `hosts` and one.example are private
    ones that may be asked."""
    heard: list[web.Request] = []

    async def hear(request: web.Request) -> web.StreamResponse:
        await request.read()
        heard.append(request)
        return await handler(request)

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", hear)
    async with TestServer(app, host="127.0.0.1") as server:
        private = [f"{host}:{server.port}" for host in ("one.example", *hosts)]
        async with guarded_http_client(
            private_hosts=private, lookup=FakeDns(("127.0.0.1",))
        ) as http:
            yield AllowedServer(http, server, heard)


def redirects(status: int, target: Callable[[web.Request], str]) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        if request.path != "/start":
            return web.Response(text="the end")
        return web.Response(status=status, headers={"Location": target(request)})

    return handler
