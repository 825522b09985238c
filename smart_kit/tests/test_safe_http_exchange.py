"""Requests and responses of SafeHttpClient: headers, bodies, limits and errors."""

import asyncio
import contextlib
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from smart_kit.errors import UpstreamRejected, UpstreamUnavailable
from smart_kit.safe_http import client
from smart_kit.safe_http.client import InvalidHttpRequest, ResponseTooLarge
from smart_kit.safe_http.messages import HttpRequest
from smart_kit.tests.safe_http_harness import (
    PUBLIC_ADDRESS,
    CanaryServer,
    make_get_request,
    make_redirect_handler,
    make_safe_http_client,
    run_allowed_server,
)

MAX_BYTES = 2 * 1024 * 1024
"""The limit that docs/administration.md documents."""


async def test_response_has_status_content_type_and_url() -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.json_response({"a": 1}, status=418)

    async with run_allowed_server(handler) as server:
        response = await server.send("POST", headers={"X-Key": "k"}, body=b"{}")
        assert response.url == server.url()

    assert (response.status, response.body) == (418, b'{"a": 1}')
    assert response.content_type == "application/json; charset=utf-8"
    (request,) = server.requests
    assert (request.method, request.headers["X-Key"]) == ("POST", "k")


async def test_request_headers_reveal_only_the_user_agent() -> None:
    async with run_allowed_server(make_redirect_handler(302, lambda _: "/end")) as server:
        await server.send()
        host = server.url().split("/")[2]

    for request in server.requests:
        assert dict(request.headers) == {
            "Host": host,
            "User-Agent": "smart-assistant",
            "Accept-Encoding": "gzip, deflate",
            "Accept": "*/*",
            "Connection": "close",
        }


async def test_path_and_query_are_sent_unchanged() -> None:
    written = "/a%2Fb/%2e%2e/%7Ec?d=%20+%26&&e"
    async with run_allowed_server(make_redirect_handler(302, lambda _: written)) as server:
        response = await server.send()

    assert server.requests[-1].raw_path == written
    assert response.url.endswith(written)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
async def test_interrupted_request_is_not_retried(canary_server: CanaryServer, method: str) -> None:
    host = f"127.0.0.1:{canary_server.port}"
    async with make_safe_http_client(private_hosts=[host]) as http:
        with pytest.raises(UpstreamUnavailable) as failure:
            await http.send(HttpRequest(method, f"http://{host}/"))
    assert failure.value.message == "The connection was lost."
    assert canary_server.connection_count == 1


async def test_proxies_of_the_environment_are_not_used(
    canary_server: CanaryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{canary_server.port}")

    async with run_allowed_server(make_redirect_handler(302, lambda _: "/end")) as server:
        assert (await server.send()).body == b"the end"
    assert canary_server.connection_count == 0


async def test_cookies_are_not_stored() -> None:
    async def handler(_: web.Request) -> web.Response:
        response = web.Response(text="x")
        response.set_cookie("session", "s")
        return response

    async with run_allowed_server(handler) as server:
        await server.send()
        await server.send()
    assert "Cookie" not in server.requests[1].headers


async def test_connection_is_not_reused() -> None:
    async def handler(request: web.Request) -> web.Response:
        assert request.transport is not None
        return web.Response(text=str(request.transport.get_extra_info("peername")[1]))

    async with run_allowed_server(handler) as server:
        ports = {(await server.send()).body for _ in range(3)}
    assert len(ports) == 3


@pytest.mark.parametrize("has_content_length", [True, False])
async def test_response_over_two_megabytes_is_refused(has_content_length: bool) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        if has_content_length:
            response.content_length = MAX_BYTES + 1
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            for _ in range(3):
                await response.write(b"x" * (MAX_BYTES // 2))
        return response

    async with run_allowed_server(handler) as server:
        with pytest.raises(ResponseTooLarge):
            await server.send()


@pytest.mark.clock("virtual")
async def test_response_with_a_large_content_length_is_not_read() -> None:
    is_over = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = MAX_BYTES + 1
        await response.prepare(request)
        await is_over.wait()
        return response

    async with run_allowed_server(handler) as server:
        with pytest.raises(ResponseTooLarge):
            await server.send()
        is_over.set()


async def test_response_of_two_megabytes_is_accepted() -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=b"x" * MAX_BYTES)

    async with run_allowed_server(handler) as server:
        assert len((await server.send()).body) == MAX_BYTES


async def test_response_over_two_megabytes_when_decompressed_is_refused() -> None:
    packed = gzip.compress(bytes(8 * MAX_BYTES))

    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=packed, headers={"Content-Encoding": "gzip"})

    assert len(packed) < MAX_BYTES
    async with run_allowed_server(handler) as server:
        with pytest.raises(ResponseTooLarge):
            await server.send()


async def test_compressed_response_is_decompressed() -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=gzip.compress(b"hello"), headers={"Content-Encoding": "gzip"})

    async with run_allowed_server(handler) as server:
        assert (await server.send()).body == b"hello"


async def test_slow_response_is_abandoned_after_the_time_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client, "TIMEOUT_SECONDS", 0.3)

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await response.write(b"x")
                await asyncio.sleep(0.02)
        return response

    async with run_allowed_server(handler) as server:
        with pytest.raises(UpstreamUnavailable) as failure:
            await server.send()
    assert failure.value.message == "The server took too long."


async def test_time_limit_includes_name_resolution(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "TIMEOUT_SECONDS", 0.05)

    async def lookup(_: str, __: int) -> list[str]:
        await asyncio.sleep(30)
        return [PUBLIC_ADDRESS]

    async with make_safe_http_client(lookup=lookup) as http:
        with pytest.raises(UpstreamUnavailable, match="too long"):
            await http.send(make_get_request("http://example.com/"))


@asynccontextmanager
async def run_raw_server(raw_response: bytes) -> AsyncIterator[str]:
    """Run a server that answers with fixed bytes; yields its host."""

    async def handle_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw_response)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle_connection, "127.0.0.1", 0)
    yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


@pytest.mark.parametrize(
    ("raw_response", "failure"),
    [
        (b"", UpstreamUnavailable("The connection was lost.")),
        (b"HTTP/1.1 200 OK\r\nContent-Le", UpstreamUnavailable("The connection was lost.")),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
            UpstreamUnavailable("The connection was lost."),
        ),
        (
            b"nonsense\r\n\r\n",
            UpstreamRejected("The server's response cannot be read: ClientResponseError."),
        ),
    ],
)
async def test_incomplete_or_malformed_response_is_an_upstream_error(
    raw_response: bytes, failure: UpstreamRejected | UpstreamUnavailable
) -> None:
    async with (
        run_raw_server(raw_response) as host,
        make_safe_http_client(private_hosts=[host]) as http,
    ):
        with pytest.raises(type(failure)) as raised:
            await http.send(make_get_request(f"http://{host}/"))
    assert raised.value.message == failure.message


async def test_response_without_content_type_has_an_empty_one() -> None:
    raw_response = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    async with (
        run_raw_server(raw_response) as host,
        make_safe_http_client(private_hosts=[host]) as http,
    ):
        response = await http.send(make_get_request(f"http://{host}/"))
    assert (response.content_type, response.body) == ("", b"ok")


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "Connection"])
async def test_connection_headers_cannot_be_set(name: str) -> None:
    async with run_allowed_server(make_redirect_handler(302, lambda _: "/end")) as server:
        with pytest.raises(InvalidHttpRequest) as refused:
            await server.send(headers={name: "x"})
    assert refused.value.message == f"The header {name} cannot be set."
    assert server.requests == []


@pytest.mark.parametrize("text", ["a\r\nHost: b", "a\nb", "a\x00", "\ud800"])
async def test_unsendable_header_is_an_invalid_request(text: str) -> None:
    async with run_allowed_server(make_redirect_handler(302, lambda _: "/end")) as server:
        for name, value in (("X-Word", text), ("X Word", "a")):
            with pytest.raises(InvalidHttpRequest) as refused:
                await server.send(headers={name: value})
            assert refused.value.message == f"The header {name!r} has an invalid name or value."
    assert server.requests == []
