"""Names that are looked up for requests that leave, where the system's resolver hangs."""

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

from smart_kit import guarded_http, outside_names
from smart_kit.guarded_http import GuardedHttp, NotReached, OutsideRequest
from smart_kit.outside_names import MOST_LOOKUPS, OutsideNames
from smart_kit.outside_url import AddressRefused

PUBLIC = "93.184.215.14"
MANY = 120
"""More than aiohttp would let have a connection at once."""
ROOT = Path(__file__).parents[2]


class Resolver:
    """The system's. What begins with `slow` it looks up until the test is over."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int, dict[str, Any]]] = []
        self.threads: list[threading.Thread] = []
        self.hanging: list[str] = []
        self.is_over = threading.Event()

    def __call__(self, host: str, port: int, **options: Any) -> list[Any]:
        self.asked.append((host, port, options))
        self.threads.append(threading.current_thread())
        if host.startswith("slow"):
            self.hanging.append(host)
            self.is_over.wait()
            raise OSError
        address = "127.0.0.1" if host.endswith(".example") else PUBLIC
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    made = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", made)
    monkeypatch.setattr(guarded_http, "SECONDS", 60)
    yield made
    made.is_over.set()


def nowhere(_: Any) -> socket.socket:
    raise OSError("no such network")


@asynccontextmanager
async def guard(**parts: Any) -> AsyncIterator[GuardedHttp]:
    made = GuardedHttp(**parts)
    yield made
    await made.close()


async def until_hanging(resolver: Resolver) -> None:
    async with asyncio.timeout(60):
        while len(resolver.hanging) < MOST_LOOKUPS:
            await asyncio.sleep(0.01)


async def leave(asking: list[asyncio.Task[Any]]) -> None:
    for one in asking:
        one.cancel()
    await asyncio.gather(*asking, return_exceptions=True)


def get(url: str) -> OutsideRequest:
    return OutsideRequest("GET", url)


async def test_the_names_that_one_server_redirects_to_hang_in_nobody_elses_way(
    resolver: Resolver,
) -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.host.startswith("two"):
            return web.Response(text="the end")
        return web.Response(status=302, headers={"Location": f"http://slow{id(request)}.a.com/"})

    app = web.Application()
    app.router.add_get("/", answer)
    async with TestServer(app, host="127.0.0.1") as server:
        one, two = (f"{name}.example:{server.port}" for name in ("one", "two"))
        async with guard(private_hosts=[one, two]) as http:
            asking = [asyncio.create_task(http.send(get(f"http://{one}/"))) for _ in range(MANY)]
            await until_hanging(resolver)
            answers = [await http.send(get(f"http://{two}/")) for _ in range(10)]
            assert not any(one.done() for one in asking), "nobody's time was up"
            await leave(asking)

    assert {answer.body for answer in answers} == {b"the end"}
    assert len(resolver.hanging) == MOST_LOOKUPS


async def test_who_no_longer_waits_does_not_make_room_for_more_that_hang(
    resolver: Resolver,
) -> None:
    async with guard(sockets=nowhere) as http:
        for _ in range(3):
            asking = [asyncio.create_task(http.send(get("http://slow.a.com/"))) for _ in range(20)]
            await until_hanging(resolver)
            with pytest.raises(NotReached):
                await http.send(get("http://other.a.com/"))
            await leave(asking)
        assert len(resolver.hanging) == MOST_LOOKUPS

        resolver.is_over.set()
        for _ in range(2 * MOST_LOOKUPS):
            with pytest.raises(AddressRefused):
                await http.send(get("http://slow.a.com/"))


async def test_a_share_is_given_back_by_who_was_answered(resolver: Resolver) -> None:
    async with guard(sockets=nowhere) as http:
        asking = [http.send(get("http://good.a.com/")) for _ in range(MANY)]
        failures = await asyncio.gather(*asking, return_exceptions=True)
    assert {type(one) for one in failures} == {NotReached}


async def test_a_name_is_looked_up_once_for_its_port_in_a_thread_that_keeps_nobody_alive(
    resolver: Resolver,
) -> None:
    async with guard(sockets=nowhere) as http:
        with pytest.raises(NotReached):
            await http.send(get("https://good.a.com:8443/"))

    assert resolver.asked == [("good.a.com", 8443, {"type": socket.SOCK_STREAM})]
    assert [(one.name, one.daemon) for one in resolver.threads] == [("outside-name", True)]


def test_what_is_found_after_the_loop_is_over_bothers_nobody(
    resolver: Resolver, caplog: pytest.LogCaptureFixture
) -> None:
    async def leave_early() -> None:
        asking = asyncio.create_task(OutsideNames().addresses("slow.a.com", 80, "a server"))
        while not resolver.hanging:
            await asyncio.sleep(0.01)
        asking.cancel()

    asyncio.run(leave_early())
    resolver.is_over.set()
    resolver.threads[0].join()
    assert caplog.records == []


async def test_without_a_thread_a_name_is_not_known(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    class NoThread(threading.Thread):
        def start(self) -> None:
            raise RuntimeError("can't start new thread")

    monkeypatch.setattr(outside_names, "Thread", NoThread)
    async with guard() as http:
        for _ in range(2 * MOST_LOOKUPS):
            with pytest.raises(AddressRefused, match="not known"):
                await http.send(get("http://good.a.com/"))


@pytest.mark.parametrize("found", [[PUBLIC], OSError("no such name"), ValueError("a broken name")])
async def test_a_lookup_ends_with_what_was_found_or_with_what_went_wrong(
    monkeypatch: pytest.MonkeyPatch, found: list[str] | Exception
) -> None:
    """In the thread of the test: coverage measures no others."""

    class ThisThread(threading.Thread):
        def start(self) -> None:
            self.run()

    def look_up(*_: Any, **__: Any) -> list[Any]:
        if isinstance(found, Exception):
            raise found
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (address, 80)) for address in found]

    monkeypatch.setattr(outside_names, "Thread", ThisThread)
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    looking = OutsideNames().addresses("good.a.com", 80, "a server")
    if isinstance(found, Exception):
        with pytest.raises(type(found), match=str(found)):
            await looking
    else:
        assert await looking == found


ENDS = """
import asyncio, socket, threading
from smart_kit.guarded_http import GuardedHttp, OutsideRequest

begun = threading.Event()

def never(*_, **__):
    begun.set()
    threading.Event().wait()

async def main():
    http = GuardedHttp()
    asking = asyncio.create_task(http.send(OutsideRequest("GET", "http://a.example.com/")))
    await asyncio.to_thread(begun.wait)
    asking.cancel()
    await http.close()
    print("closed")

socket.getaddrinfo = never
asyncio.run(main())
"""


def test_the_process_does_not_wait_at_its_end_for_a_name_that_is_still_looked_up() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", ENDS], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "closed\n", "")
