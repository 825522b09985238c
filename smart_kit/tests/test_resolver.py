"""Name resolution while the system's resolver hangs."""

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from smart_kit.safe_http import client, resolver
from smart_kit.safe_http.client import ConnectionFailed, SafeHttpClient
from smart_kit.safe_http.messages import HttpRequest
from smart_kit.safe_http.public_url import AddressBlocked
from smart_kit.safe_http.resolver import MAX_CONCURRENT_LOOKUPS, Resolver

PUBLIC_ADDRESS = "93.184.215.14"
REQUEST_COUNT = 120
"""More than aiohttp's limit of connections."""
ROOT = Path(__file__).parents[2]


class FakeGetaddrinfo:
    """A fake socket.getaddrinfo. Lookups of names with `slow` hang until the end of the test."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int, dict[str, Any]]] = []
        self.threads: list[threading.Thread] = []
        self.hanging_hosts: list[str] = []
        self.release_event = threading.Event()

    def __call__(self, host: str, port: int, **options: Any) -> list[Any]:
        self.calls.append((host, port, options))
        self.threads.append(threading.current_thread())
        if host.startswith("slow"):
            self.hanging_hosts.append(host)
            self.release_event.wait()
            raise OSError
        address = "127.0.0.1" if host.endswith(".example") else PUBLIC_ADDRESS
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))]


@pytest.fixture
def fake_getaddrinfo(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGetaddrinfo]:
    made = FakeGetaddrinfo()
    monkeypatch.setattr(socket, "getaddrinfo", made)
    monkeypatch.setattr(client, "TIMEOUT_SECONDS", 60)
    yield made
    made.release_event.set()


def refuse_socket(_: Any) -> socket.socket:
    raise OSError("no such network")


@asynccontextmanager
async def make_safe_http_client(**parts: Any) -> AsyncIterator[SafeHttpClient]:
    made = SafeHttpClient(**parts)
    yield made
    await made.close()


async def wait_until_hanging(resolver: FakeGetaddrinfo) -> None:
    async with asyncio.timeout(60):
        while len(resolver.hanging_hosts) < MAX_CONCURRENT_LOOKUPS:
            await asyncio.sleep(0.01)


async def cancel_tasks(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def make_get_request(url: str) -> HttpRequest:
    return HttpRequest("GET", url)


async def test_hanging_lookups_of_an_origin_do_not_delay_others(
    fake_getaddrinfo: FakeGetaddrinfo,
) -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.host.startswith("two"):
            return web.Response(text="the end")
        return web.Response(status=302, headers={"Location": f"http://slow{id(request)}.a.com/"})

    app = web.Application()
    app.router.add_get("/", answer)
    async with TestServer(app, host="127.0.0.1") as server:
        first, second = (f"{name}.example:{server.port}" for name in ("one", "two"))
        async with make_safe_http_client(private_hosts=[first, second]) as http:
            tasks = [
                asyncio.create_task(http.send(make_get_request(f"http://{first}/")))
                for _ in range(REQUEST_COUNT)
            ]
            await wait_until_hanging(fake_getaddrinfo)
            responses = [await http.send(make_get_request(f"http://{second}/")) for _ in range(10)]
            assert not any(task.done() for task in tasks), "no time-out has passed"
            await cancel_tasks(tasks)

    assert {response.body for response in responses} == {b"the end"}
    assert len(fake_getaddrinfo.hanging_hosts) == MAX_CONCURRENT_LOOKUPS


async def test_cancelled_lookup_holds_its_slot_until_it_ends(
    fake_getaddrinfo: FakeGetaddrinfo,
) -> None:
    async with make_safe_http_client(socket_factory=refuse_socket) as http:
        for _ in range(3):
            tasks = [
                asyncio.create_task(http.send(make_get_request("http://slow.a.com/")))
                for _ in range(20)
            ]
            await wait_until_hanging(fake_getaddrinfo)
            with pytest.raises(ConnectionFailed):
                await http.send(make_get_request("http://other.a.com/"))
            await cancel_tasks(tasks)
        assert len(fake_getaddrinfo.hanging_hosts) == MAX_CONCURRENT_LOOKUPS

        fake_getaddrinfo.release_event.set()
        for _ in range(2 * MAX_CONCURRENT_LOOKUPS):
            with pytest.raises(AddressBlocked):
                await http.send(make_get_request("http://slow.a.com/"))


async def test_finished_lookup_releases_its_slot(fake_getaddrinfo: FakeGetaddrinfo) -> None:
    async with make_safe_http_client(socket_factory=refuse_socket) as http:
        tasks = [http.send(make_get_request("http://good.a.com/")) for _ in range(REQUEST_COUNT)]
        failures = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(failure) for failure in failures} == {ConnectionFailed}


async def test_name_is_looked_up_once_in_a_daemon_thread(
    fake_getaddrinfo: FakeGetaddrinfo,
) -> None:
    async with make_safe_http_client(socket_factory=refuse_socket) as http:
        with pytest.raises(ConnectionFailed):
            await http.send(make_get_request("https://good.a.com:8443/"))

    assert fake_getaddrinfo.calls == [("good.a.com", 8443, {"type": socket.SOCK_STREAM})]
    assert [(it.name, it.daemon) for it in fake_getaddrinfo.threads] == [("outside-name", True)]


def test_lookup_may_end_after_the_event_loop(
    fake_getaddrinfo: FakeGetaddrinfo, caplog: pytest.LogCaptureFixture
) -> None:
    async def leave_early() -> None:
        task = asyncio.create_task(Resolver().resolve("slow.a.com", 80, "a server"))
        while not fake_getaddrinfo.hanging_hosts:
            await asyncio.sleep(0.01)
        task.cancel()

    asyncio.run(leave_early())
    fake_getaddrinfo.release_event.set()
    fake_getaddrinfo.threads[0].join()
    assert caplog.records == []


async def test_lookup_fails_if_no_thread_can_start(
    fake_getaddrinfo: FakeGetaddrinfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    class NoThread(threading.Thread):
        def start(self) -> None:
            raise RuntimeError("can't start new thread")

    monkeypatch.setattr(resolver, "Thread", NoThread)
    async with make_safe_http_client() as http:
        for _ in range(2 * MAX_CONCURRENT_LOOKUPS):
            with pytest.raises(AddressBlocked, match="cannot be resolved"):
                await http.send(make_get_request("http://good.a.com/"))


@pytest.mark.parametrize(
    "found", [[PUBLIC_ADDRESS], OSError("no such name"), ValueError("a broken name")]
)
async def test_lookup_returns_the_result_or_raises_the_error(
    monkeypatch: pytest.MonkeyPatch, found: list[str] | Exception
) -> None:
    """Runs in the thread of the test, because coverage measures no other threads."""

    class ThisThread(threading.Thread):
        def start(self) -> None:
            self.run()

    def look_up(*_: Any, **__: Any) -> list[Any]:
        if isinstance(found, Exception):
            raise found
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (address, 80)) for address in found]

    monkeypatch.setattr(resolver, "Thread", ThisThread)
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    looking = Resolver().resolve("good.a.com", 80, "a server")
    if isinstance(found, Exception):
        with pytest.raises(type(found), match=str(found)):
            await looking
    else:
        assert await looking == found


EXIT_SCRIPT = """
import asyncio, socket, threading
from smart_kit.safe_http.client import SafeHttpClient
from smart_kit.safe_http.messages import HttpRequest

started = threading.Event()

def never(*_, **__):
    started.set()
    threading.Event().wait()

async def main():
    http = SafeHttpClient()
    asking = asyncio.create_task(http.send(HttpRequest("GET", "http://a.example.com/")))
    await asyncio.to_thread(started.wait)
    asking.cancel()
    await http.close()
    print("closed")

socket.getaddrinfo = never
asyncio.run(main())
"""


def test_process_exit_does_not_wait_for_a_lookup() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", EXIT_SCRIPT], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "closed\n", "")
