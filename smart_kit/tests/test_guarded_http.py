"""The guard against a canary that listens on this machine, with DNS as an attacker answers it."""

import asyncio
import contextlib
import gzip
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from smart_kit import guarded_http
from smart_kit.errors import UpstreamRejected, UpstreamUnavailable
from smart_kit.guarded_http import (
    MOST_BYTES,
    AnswerTooLarge,
    GuardedHttp,
    NotReached,
    NotSendable,
    OutsideAnswer,
    OutsideRequest,
    RedirectRefused,
)
from smart_kit.outside_url import AddressRefused, OutsideUrl
from smart_kit.testing.hostile_urls import HOSTILE_URLS, PRIVATE_ADDRESSES
from smart_kit.testing.ports import free_port

PUBLIC = "93.184.215.14"
PRIVATE_NAMES = (
    *("localhost", "localdomain", "local", "internal", "intranet", "lan", "home", "corp"),
    *("private", "test", "invalid", "onion", "alt", "arpa", "metadata.tencentyun.com"),
    *("metadata.azure.com", "metadata.platformequinix.com", "metadata.packet.net"),
)
_NETWORKS = """\
0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 168.63.129.16/32 169.254.0.0/16 172.16.0.0/12
192.0.0.0/24 192.0.2.0/24 192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16
192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
2001::/23 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20
::/128 ::1/128 ::ffff:0:0/96 ::/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 5f00::/16 fc00::/7
fe80::/10 fec0::/10 ff00::/8 4000::/2 8000::/1"""
PRIVATE_NETWORKS = tuple(_NETWORKS.split())
"""Both said again here: whoever takes one away has to do so twice."""

Lookups = list[tuple[str, int]]


class Canary:
    """Listens on this machine; nobody may ever call."""

    def __init__(self) -> None:
        self.port = 0
        self.calls = 0

    async def hear(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.calls += 1
        writer.close()


@pytest.fixture
async def canary() -> AsyncIterator[Canary]:
    made = Canary()
    server = await asyncio.start_server(made.hear, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()


class Dns:
    """Answers the given lists of addresses one after the other, the last one for ever."""

    def __init__(self, *answers: tuple[str, ...]) -> None:
        self.asked: Lookups = []
        self._answers = list(answers)

    async def __call__(self, host: str, port: int) -> tuple[str, ...]:
        self.asked.append((host, port))
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


class Wires:
    """Notes which address is dialled, and is never connected to any."""

    def __init__(self) -> None:
        self.dialled: list[str] = []

    def __call__(self, address: Any) -> socket.socket:
        self.dialled.append(address[4][0])
        raise OSError("no such network")


@asynccontextmanager
async def guard(**parts: Any) -> AsyncIterator[GuardedHttp]:
    made = GuardedHttp(**parts)
    try:
        yield made
    finally:
        await made.close()


def get(url: str, **parts: Any) -> OutsideRequest:
    return OutsideRequest("GET", url, **parts)


async def is_refused(http: GuardedHttp, url: str) -> bool:
    """Nothing else than for its address."""
    try:
        await http.send(get(url))
    except AddressRefused:
        return True
    except (UpstreamRejected, UpstreamUnavailable):
        return False
    return False


async def test_the_canary_would_be_heard(canary: Canary) -> None:
    async with guard(private_hosts=[f"127.0.0.1:{canary.port}"]) as http:
        with pytest.raises(UpstreamUnavailable):
            await http.send(get(f"http://127.0.0.1:{canary.port}/"))

    assert canary.calls == 1


def test_there_are_enough_hostile_urls_and_none_twice() -> None:
    assert len(set(HOSTILE_URLS)) == len(HOSTILE_URLS) >= 150


@pytest.mark.parametrize("address", ["127.0.0.1", PUBLIC])
async def test_a_hostile_url_is_refused_before_its_name_is_looked_up_or_anything_dialled(
    canary: Canary, address: str
) -> None:
    dns, wires = Dns((address,)), Wires()
    async with guard(lookup=dns, sockets=wires) as http:
        for hostile in HOSTILE_URLS:
            url = hostile.replace("{port}", str(canary.port))
            assert await is_refused(http, url), url

    assert (canary.calls, dns.asked, wires.dialled) == (0, [], [])


async def test_hostile_urls_reach_no_canary_by_the_systems_own_names_and_sockets(
    canary: Canary,
) -> None:
    async with guard() as http:
        for hostile in HOSTILE_URLS:
            url = hostile.replace("{port}", str(canary.port))
            assert await is_refused(http, url), url

    assert canary.calls == 0


@pytest.mark.parametrize("place", ["alone", "first", "last"])
async def test_a_name_one_of_whose_addresses_is_private_is_refused(
    canary: Canary, place: str
) -> None:
    wires = Wires()
    for private in PRIVATE_ADDRESSES:
        answers = {"alone": (private,), "first": (private, PUBLIC), "last": (PUBLIC, private)}
        async with guard(lookup=Dns(answers[place]), sockets=wires) as http:
            url = f"http://rebind.example.com:{canary.port}/"
            assert await is_refused(http, url), private

    assert (canary.calls, wires.dialled) == (0, [])


async def test_a_name_that_is_public_when_checked_and_private_afterwards_is_dialled_as_checked(
    canary: Canary,
) -> None:
    dns, wires = Dns((PUBLIC,), ("127.0.0.1",)), Wires()
    async with guard(lookup=dns, sockets=wires) as http:
        url = f"http://rebind.example.com:{canary.port}/"
        with pytest.raises(NotReached):
            await http.send(get(url))
        assert (wires.dialled, len(dns.asked)) == ([PUBLIC], 1)
        with pytest.raises(AddressRefused):
            await http.send(get(url))

    assert (canary.calls, wires.dialled, len(dns.asked)) == (0, [PUBLIC], 2)


async def test_each_public_address_of_a_name_is_tried() -> None:
    answers = (PUBLIC, "2606:2800:21f:cb07:6820:80da:af6b:8b2c", PUBLIC)
    wires = Wires()
    async with guard(lookup=Dns(answers), sockets=wires) as http:
        with pytest.raises(NotReached):
            await http.send(get("https://example.com/"))

    assert sorted(wires.dialled) == sorted(set(answers))


@pytest.mark.parametrize(
    "url",
    [
        "http://8.8.8.8/",
        "https://[2606:4700:4700::1111]/",
        "https://[2606:4700:4700:0:0:0:0:1111]:8443/a",
        "http://172.32.0.1/",
        "http://100.128.0.1/",
        "http://Example.COM/",
        "https://xn--e1afmkfd.xn--p1ai:8443/a?b=c",
        "https://example.com?b=c",
        "https://my_bucket.example.com/%2e%2e/",
        "http://127.0.0.1.example.com/",
        "http://example.com/@127.0.0.1",
        "http://localhost.example.com/",
    ],
)
async def test_what_is_public_is_dialled(url: str) -> None:
    wires = Wires()
    async with guard(lookup=Dns((PUBLIC,)), sockets=wires) as http:
        with pytest.raises(NotReached):
            await http.send(get(url))

    assert len(wires.dialled) == 1


@pytest.mark.parametrize("failure", [OSError("no such name"), UnicodeError("label too long")])
async def test_a_name_that_nobody_knows_is_refused(failure: Exception) -> None:
    async def lookup(_: str, __: int) -> list[str]:
        raise failure

    async with guard(lookup=lookup) as http:
        with pytest.raises(AddressRefused, match=r"example\.com is not known"):
            await http.send(get("http://example.com/"))
    async with guard(lookup=Dns(())) as http:
        with pytest.raises(AddressRefused):
            await http.send(get("http://example.com/"))


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Outside:
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
async def outside(handler: Handler, *hosts: str) -> AsyncIterator[Outside]:
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
        async with guard(private_hosts=private, lookup=Dns(("127.0.0.1",))) as http:
            yield Outside(http, server, heard)


def redirects(status: int, target: Callable[[web.Request], str]) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        if request.path != "/start":
            return web.Response(text="the end")
        return web.Response(status=status, headers={"Location": target(request)})

    return handler


async def test_an_answer_comes_back_with_its_status_kind_and_address() -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.json_response({"a": 1}, status=418)

    async with outside(handler) as there:
        answer = await there.send("POST", headers={"X-Key": "k"}, body=b"{}")
        assert answer.url == there.url()

    assert (answer.status, answer.body) == (418, b'{"a": 1}')
    assert answer.content_type == "application/json; charset=utf-8"
    (request,) = there.heard
    assert (request.method, request.headers["X-Key"]) == ("POST", "k")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:{port}/",
        "//127.0.0.1:{port}/",
        "http://2130706433:{port}/",
        "http://[::1]:{port}/",
        "http://user@127.0.0.1:{port}/",
        "http://public.example.com:{port}/",
        "http://localhost:{port}/",
        "\\\\127.0.0.1:{port}\\",
        "http://[::1/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:{port}/",
    ],
)
async def test_a_redirect_to_a_private_address_is_refused(
    canary: Canary, status: int, target: str
) -> None:
    handler = redirects(status, lambda _: target.replace("{port}", str(canary.port)))
    async with outside(handler) as there:
        with pytest.raises(RedirectRefused):
            await there.send()

    assert (canary.calls, len(there.heard)) == (0, 1)


async def test_a_redirect_from_elsewhere_to_an_allowed_private_host_is_refused() -> None:
    handler = redirects(302, lambda request: there.url("two.example"))
    async with outside(handler, "two.example") as there:
        with pytest.raises(AddressRefused, match="private host"):
            await there.send()

    assert len(there.heard) == 1


@pytest.mark.parametrize(
    ("method", "status", "then"),
    [
        ("GET", 301, "GET"),
        ("POST", 302, "GET"),
        ("POST", 303, "GET"),
        ("PUT", 301, "GET"),
        ("POST", 307, "POST"),
        ("PATCH", 308, "PATCH"),
    ],
)
async def test_a_redirect_within_the_server_is_followed(
    method: str, status: int, then: str
) -> None:
    async with outside(redirects(status, lambda _: "/end?x=1")) as there:
        body = None if method == "GET" else b"{}"
        answer = await there.send(method, headers={"Authorization": "k"}, body=body)

    assert answer.body == b"the end"
    last = there.heard[-1]
    assert (last.method, last.path_qs, last.headers["Authorization"]) == (then, "/end?x=1", "k")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
async def test_what_was_broken_off_is_not_sent_again(canary: Canary, method: str) -> None:
    host = f"127.0.0.1:{canary.port}"
    async with guard(private_hosts=[host]) as http:
        with pytest.raises(UpstreamUnavailable, match="broke off"):
            await http.send(OutsideRequest(method, f"http://{host}/"))
    assert canary.calls == 1


async def test_a_redirect_to_a_server_that_is_away_does_not_mean_that_nothing_was_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other_server(monkeypatch)
    async with outside(redirects(302, lambda _: f"http://127.0.0.1:{free_port()}/")) as there:
        with pytest.raises(UpstreamUnavailable) as failure:
            await there.send("POST")
    assert not isinstance(failure.value, NotReached)


async def test_at_most_three_redirects_are_followed() -> None:
    async def handler(request: web.Request) -> web.Response:
        left = int(request.query.get("left", "4")) - 1
        if request.query.get("left") == "0":
            return web.Response(text="the end")
        return web.Response(status=302, headers={"Location": f"/start?left={left}"})

    async with outside(handler) as there:
        with pytest.raises(UpstreamRejected, match="more than 3 times"):
            await there.send()
    assert len(there.heard) == 4


def other_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """To this test the server's second name is a public one."""
    monkeypatch.setattr(OutsideUrl, "check", lambda _: None)
    monkeypatch.setattr(guarded_http, "check_address", lambda _: None)


async def test_another_server_is_told_no_header_that_was_meant_for_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other_server(monkeypatch)
    secret = {"Authorization": "Bearer s", "X-Api-Key": "s", "Cookie": "s", "Accept": "text/plain"}
    handler = redirects(302, lambda _: there.url("two.example").replace("start", "end"))
    async with outside(handler) as there:
        answer = await there.send(headers=secret)

    assert answer.body == b"the end"
    first, second = there.heard
    assert {name: first.headers[name] for name in secret} == secret
    assert second.headers["Accept"] == "text/plain"
    assert not {"Authorization", "X-Api-Key", "Cookie", "Referer"} & set(second.headers)


@pytest.mark.parametrize("status", [307, 308])
async def test_another_server_is_not_sent_what_was_written_for_the_first(
    monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    other_server(monkeypatch)
    handler = redirects(status, lambda _: there.url("two.example").replace("start", "end"))
    async with outside(handler) as there:
        with pytest.raises(AddressRefused, match="another server"):
            await there.send("POST", body=b"{}")

    assert len(there.heard) == 1


async def test_proxies_of_the_environment_are_not_used(
    canary: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")

    async with outside(redirects(302, lambda _: "/end")) as there:
        assert (await there.send()).body == b"the end"
    assert canary.calls == 0


async def test_cookies_are_not_kept() -> None:
    async def handler(_: web.Request) -> web.Response:
        answer = web.Response(text="x")
        answer.set_cookie("session", "s")
        return answer

    async with outside(handler) as there:
        await there.send()
        await there.send()
    assert "Cookie" not in there.heard[1].headers


async def test_no_connection_is_used_for_a_second_request() -> None:
    async def handler(request: web.Request) -> web.Response:
        assert request.transport is not None
        return web.Response(text=str(request.transport.get_extra_info("peername")[1]))

    async with outside(handler) as there:
        ports = {(await there.send()).body for _ in range(3)}
    assert len(ports) == 3


@pytest.mark.parametrize("says_so", [True, False])
async def test_an_answer_beyond_two_megabytes_is_refused(says_so: bool) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        if says_so:
            response.content_length = MOST_BYTES + 1
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            for _ in range(3):
                await response.write(b"x" * (MOST_BYTES // 2))
        return response

    async with outside(handler) as there:
        with pytest.raises(AnswerTooLarge):
            await there.send()


async def test_an_answer_of_two_megabytes_is_taken() -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=b"x" * MOST_BYTES)

    async with outside(handler) as there:
        assert len((await there.send()).body) == MOST_BYTES


async def test_an_answer_that_is_beyond_two_megabytes_once_unpacked_is_refused() -> None:
    packed = gzip.compress(bytes(50 * MOST_BYTES))

    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=packed, headers={"Content-Encoding": "gzip"})

    assert len(packed) < MOST_BYTES
    async with outside(handler) as there:
        with pytest.raises(AnswerTooLarge):
            await there.send()


async def test_a_packed_answer_is_unpacked() -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=gzip.compress(b"hello"), headers={"Content-Encoding": "gzip"})

    async with outside(handler) as there:
        assert (await there.send()).body == b"hello"


async def test_a_server_that_drips_is_left_when_the_time_is_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(guarded_http, "SECONDS", 0.3)

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await response.write(b"x")
                await asyncio.sleep(0.02)
        return response

    async with outside(handler) as there:
        with pytest.raises(UpstreamUnavailable, match="too long"):
            await there.send()


async def test_names_that_take_too_long_count_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded_http, "SECONDS", 0.05)

    async def lookup(_: str, __: int) -> list[str]:
        await asyncio.sleep(30)
        return [PUBLIC]

    async with guard(lookup=lookup) as http:
        with pytest.raises(UpstreamUnavailable, match="too long"):
            await http.send(get("http://example.com/"))


@pytest.mark.parametrize("said", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Le"])
async def test_what_is_no_http_is_an_error_of_the_servers(said: bytes) -> None:
    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with guard(private_hosts=[host]) as http:
        with pytest.raises((UpstreamUnavailable, UpstreamRejected)):
            await http.send(get(f"http://{host}/"))
    server.close()


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "Connection"])
async def test_what_makes_the_request_one_cannot_be_written_by_others(name: str) -> None:
    async with outside(redirects(302, lambda _: "/end")) as there:
        with pytest.raises(NotSendable, match="cannot be set"):
            await there.send(headers={name: "x"})
    assert there.heard == []


@pytest.mark.parametrize("text", ["a\r\nHost: b", "a\nb", "a\x00", "\ud800"])
async def test_what_cannot_be_sent_is_not_said_to_be_the_servers_fault(text: str) -> None:
    async with outside(redirects(302, lambda _: "/end")) as there:
        with pytest.raises(NotSendable, match="X-Word"):
            await there.send(headers={"X-Word": text})
        with pytest.raises(NotSendable):
            await there.send(headers={"X Word": "a"})
    assert there.heard == []


@pytest.mark.parametrize("half", ["\ud800", "a\udfff", "?b=\ud83d"])
def test_half_a_character_makes_no_address(half: str) -> None:
    with pytest.raises(AddressRefused):
        OutsideUrl.parse(f"http://a.b.com/{half}")


@pytest.mark.parametrize("network", PRIVATE_NETWORKS)
async def test_nothing_of_a_private_network_is_dialled(network: str) -> None:
    wires = Wires()
    for address in (ip_network(network)[0], ip_network(network)[-1]):
        async with guard(lookup=Dns((str(address),)), sockets=wires) as http:
            assert await is_refused(http, "http://rebind.example.com/"), address
            host = f"[{address}]" if address.version == 6 else str(address)
            assert await is_refused(http, f"http://{host}/"), address
    assert wires.dialled == []


@pytest.mark.parametrize("name", PRIVATE_NAMES)
@pytest.mark.parametrize("below", ["", "a.", "a.b.", "A."])
async def test_a_name_for_private_use_is_not_even_looked_up(name: str, below: str) -> None:
    dns = Dns((PUBLIC,))
    async with guard(lookup=dns) as http:
        assert await is_refused(http, f"http://{below}{name}/")
    assert dns.asked == []


async def test_an_allowed_host_is_allowed_at_its_port_alone(canary: Canary) -> None:
    async with guard(private_hosts=["127.0.0.1", "127.0.0.2:81", "nas.lan:81"]) as http:
        for url in ("http://127.0.0.1:{port}/", "http://127.0.0.2/", "http://x.nas.lan:81/"):
            with pytest.raises(AddressRefused):
                await http.send(get(url.replace("{port}", str(canary.port))))
    assert canary.calls == 0


async def test_what_is_no_host_cannot_be_allowed() -> None:
    for wrong in ("http://nas.lan", "nas.lan/x", "user@nas.lan", "nas.lan:port", ""):
        with pytest.raises(AddressRefused):
            GuardedHttp([wrong])
