"""Redirects: followed within a server, never to a private address, never with secrets elsewhere."""

import pytest
from aiohttp import web

from smart_kit.errors import UpstreamRejected, UpstreamUnavailable
from smart_kit.safe_http import client
from smart_kit.safe_http.client import MAX_REDIRECTS, ConnectionFailed, RedirectBlocked
from smart_kit.safe_http.public_url import CanonicalUrl
from smart_kit.testing.ports import free_port
from smart_kit.tests.safe_http_harness import (
    CanaryServer,
    make_redirect_handler,
    run_allowed_server,
)


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
async def test_redirect_to_a_private_address_is_refused(
    canary_server: CanaryServer, status: int, target: str
) -> None:
    handler = make_redirect_handler(
        status, lambda _: target.replace("{port}", str(canary_server.port))
    )
    async with run_allowed_server(handler) as server:
        with pytest.raises(RedirectBlocked):
            await server.send()

    assert (canary_server.connection_count, len(server.requests)) == (0, 1)


async def test_redirect_from_another_server_to_a_private_host_is_refused() -> None:
    handler = make_redirect_handler(302, lambda request: server.url("two.example"))
    async with run_allowed_server(handler, "two.example") as server:
        with pytest.raises(RedirectBlocked) as refused:
            await server.send()

    assert refused.value.message == "A redirect was refused. two.example is a private host."
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("method", "status", "then"),
    [
        ("GET", 301, "GET"),
        ("HEAD", 302, "HEAD"),
        ("POST", 302, "GET"),
        ("POST", 303, "GET"),
        ("PUT", 301, "GET"),
        ("POST", 307, "POST"),
        ("PATCH", 308, "PATCH"),
    ],
)
async def test_redirect_within_the_server_is_followed(method: str, status: int, then: str) -> None:
    async with run_allowed_server(make_redirect_handler(status, lambda _: "/end?x=1")) as server:
        response = await server.send(method, headers={"Authorization": "k"}, body=b"{}")

    assert response.body == (b"" if then == "HEAD" else b"the end")
    last = server.requests[-1]
    assert (last.method, last.path_qs, last.headers["Authorization"]) == (then, "/end?x=1", "k")
    assert await last.read() == (b"{}" if then == method else b"")


@pytest.mark.parametrize("status", [201, 300, 304])
async def test_location_header_without_redirect_status_is_ignored(status: int) -> None:
    async with run_allowed_server(make_redirect_handler(status, lambda _: "/end")) as server:
        response = await server.send()

    assert (response.status, len(server.requests)) == (status, 1)


async def test_redirect_without_location_is_the_response() -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=302, text="where to?")

    async with run_allowed_server(handler) as server:
        response = await server.send()

    assert (response.status, response.body) == (302, b"where to?")


async def test_redirect_to_an_unreachable_server_is_no_connection_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_second_host_public(monkeypatch)
    async with run_allowed_server(
        make_redirect_handler(302, lambda _: f"http://127.0.0.1:{free_port()}/")
    ) as server:
        with pytest.raises(UpstreamUnavailable) as failure:
            await server.send("POST")
    assert not isinstance(failure.value, ConnectionFailed)
    assert failure.value.message == "A redirect leads to an unreachable server."


@pytest.mark.parametrize("times", [3, 4])
async def test_at_most_three_redirects_are_followed(times: int) -> None:
    async def handler(request: web.Request) -> web.Response:
        if len(server.requests) > times:
            return web.Response(text="the end")
        return web.Response(status=302, headers={"Location": "/start"})

    async with run_allowed_server(handler) as server:
        if times <= MAX_REDIRECTS:
            assert (await server.send()).body == b"the end"
        else:
            with pytest.raises(UpstreamRejected) as failure:
                await server.send()
            assert failure.value.message == "The server redirected more than 3 times."
    assert len(server.requests) == 4


def make_second_host_public(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this test the server's second name counts as public."""
    monkeypatch.setattr(CanonicalUrl, "check_public_host", lambda _: None)
    monkeypatch.setattr(client, "check_public_address", lambda _: None)


async def test_redirect_to_another_server_drops_private_headers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_second_host_public(monkeypatch)
    secret = {"Authorization": "Bearer s", "X-Api-Key": "s", "Cookie": "s", "Accept": "text/plain"}
    handler = make_redirect_handler(
        302, lambda _: server.url("two.example").replace("start", "end")
    )
    async with run_allowed_server(handler) as server:
        response = await server.send(headers=secret)

    assert response.body == b"the end"
    first, second = server.requests
    assert {name: first.headers[name] for name in secret} == secret
    assert second.headers["Accept"] == "text/plain"
    assert not {"Authorization", "X-Api-Key", "Cookie", "Referer"} & set(second.headers)


@pytest.mark.parametrize("status", [307, 308])
async def test_redirect_to_another_server_never_sends_the_body(
    monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    make_second_host_public(monkeypatch)
    handler = make_redirect_handler(
        status, lambda _: server.url("two.example").replace("start", "end")
    )
    async with run_allowed_server(handler) as server:
        with pytest.raises(RedirectBlocked) as refused:
            await server.send("POST", body=b"{}")

    assert refused.value.message == (
        "A redirect was refused. A redirect would send the request's content to another server."
    )
    assert len(server.requests) == 1
