"""ServiceClient on real sockets, with each library that sends its requests."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from ipaddress import IPv4Address
from pathlib import Path
from uuid import UUID

import pytest
import stamina
import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from smart_kit import tls as tls_module
from smart_kit.contracts.base import Contract, utc_now
from smart_kit.errors import UpstreamRejected, UpstreamUnavailable
from smart_kit.rest_client import MAX_ATTEMPTS, RestClientSettings, ServiceClient
from smart_kit.rest_client.aiohttp_transport import AiohttpTransport
from smart_kit.rest_client.httpx2_transport import Httpx2Transport
from smart_kit.rest_client.transport import Transport
from smart_kit.testing.ports import free_port
from smart_kit.tests.safe_http_harness import CanaryServer
from smart_kit.tests.scripted_http_server import (
    Answer,
    reset,
    respond,
    run_scripted_server,
    send,
    send_and_close,
)

USER = UUID("6f1c3a52-3f5b-4b35-8a4e-0b6d6a4f7a11")
THING = respond('{"name": "a"}')
MakeClient = Callable[..., ServiceClient]
TRANSPORT_TYPES = (AiohttpTransport, Httpx2Transport)
TRANSPORTS = pytest.mark.parametrize("transport_type", TRANSPORT_TYPES)


class Thing(Contract):
    name: str


class Note(Contract):
    text: str


@pytest.fixture(autouse=True)
def no_retry_delays() -> Iterator[None]:
    """Make as many attempts as in production, without delays."""
    with stamina.set_testing(True, attempts=MAX_ATTEMPTS, cap=True):
        yield


@pytest.fixture(params=TRANSPORT_TYPES)
async def make_client(request: pytest.FixtureRequest) -> AsyncIterator[MakeClient]:
    made: list[ServiceClient] = []

    def make(url: str, timeout_seconds: float = 60.0) -> ServiceClient:
        made.append(build_client(url, request.param(url), timeout_seconds))
        return made[-1]

    yield make
    for client in made:
        await client.close()


def build_client(url: str, transport: Transport, timeout_seconds: float = 60.0) -> ServiceClient:
    settings = RestClientSettings(
        rest_service_url=url, service_api_token=SecretStr("the-service-token")
    )
    return ServiceClient(settings, transport, timeout_seconds=timeout_seconds)


async def test_request_is_sent_as_it_was_given(make_client: MakeClient) -> None:
    async with run_scripted_server(THING) as server:
        client = make_client(f"{server.url}/a/prefix/")
        with structlog.contextvars.bound_contextvars(correlation_id="tg:1:2"):
            thing = await client.call(
                "POST",
                "/things",
                Thing,
                body=Note(text="ё"),
                user_id=USER,
                idempotency_key="tg:1:2/0.1",
                params={"limit": 5, "text": "a b&c"},
            )

    head, _, body = server.requests[0].partition("\r\n\r\n")
    start, *lines = head.split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    assert thing == Thing(name="a")
    assert start == "POST /a/prefix/api/things?limit=5&text=a+b%26c HTTP/1.1"
    assert len(headers) == len(lines)
    assert headers.items() >= {
        ("authorization", "Bearer the-service-token"),
        ("content-type", "application/json"),
        ("x-user-id", str(USER)),
        ("idempotency-key", "tg:1:2/0.1"),
        ("x-correlation-id", "tg:1:2"),
    }
    assert body == '{"text":"ё"}'


async def test_connection_is_kept_and_cookies_are_not(make_client: MakeClient) -> None:
    set_cookie = respond('{"name": "a"}', headers="Set-Cookie: session=1; Path=/\r\n")
    async with run_scripted_server(set_cookie) as server:
        client = make_client(server.url)
        await client.call("GET", "/things", Thing)
        await client.call("GET", "/things", Thing)

    assert server.connection_count == 1
    assert "cookie" not in server.requests[1].lower()


@TRANSPORTS
async def test_connection_that_idled_too_long_is_not_used(
    transport_type: Callable[[str], Transport], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{transport_type.__module__}.KEEPALIVE_SECONDS", 1e-9)
    async with run_scripted_server(THING) as server:
        client = build_client(server.url, transport_type(server.url))
        await client.call("GET", "/things", Thing)
        await client.call("GET", "/things", Thing)
        await client.close()

    assert server.connection_count == 2


@pytest.mark.parametrize(
    "start_of_response",
    ["", "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"],
    ids=["silent", "unfinished"],
)
async def test_time_without_a_whole_response_is_limited(
    make_client: MakeClient, start_of_response: str
) -> None:
    async with run_scripted_server(send(start_of_response)) as server:
        client = make_client(server.url, timeout_seconds=0.2)
        with pytest.raises(UpstreamUnavailable) as caught:
            await client.call("GET", "/things", Thing, max_attempts=1)

    assert caught.value.message == "rest_service: no response within 0.2 s"


@TRANSPORTS
async def test_time_of_connecting_is_limited(
    transport_type: Callable[[str], Transport], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{transport_type.__module__}.CONNECT_TIMEOUT_SECONDS", 0.2)
    with ExitStack() as sockets:
        listener = sockets.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):  # they fill the queue of connections that nobody accepts
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        client = build_client(url, transport_type(url))
        with pytest.raises(UpstreamUnavailable, match="rest_service: Connect"):
            await client.call("GET", "/things", Thing, max_attempts=1)
        await client.close()


BROKEN_CONNECTIONS = pytest.mark.parametrize(
    "answer",
    [
        reset,
        send_and_close(""),
        send_and_close("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"),
        send_and_close("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"),
        send_and_close("HTTP/1.1 200 OK\r\nContent-"),
        send_and_close("220 mail.example ESMTP\r\n"),
    ],
    ids=["reset", "closed", "truncated", "truncated chunk", "truncated head", "no HTTP"],
)


@BROKEN_CONNECTIONS
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_only_the_service_client_repeats_a_request(
    make_client: MakeClient, method: str, answer: Answer
) -> None:
    async with run_scripted_server(THING, answer) as server:
        client = make_client(server.url)
        await client.call("GET", "/things", Thing)
        with pytest.raises(UpstreamUnavailable, match=r"rest_service: .") as caught:
            await client.call(method, "/things", Thing, max_attempts=1)

    assert len(server.requests) == 2
    assert "headers=" not in caught.value.message


@BROKEN_CONNECTIONS
async def test_broken_connection_is_replaced_for_the_next_attempt(
    make_client: MakeClient, answer: Answer
) -> None:
    async with run_scripted_server(answer, THING) as server:
        client = make_client(server.url)
        assert await client.call("GET", "/things", Thing) == Thing(name="a")

    assert (len(server.requests), server.connection_count) == (2, 2)


async def test_connection_closed_while_idle_is_replaced(make_client: MakeClient) -> None:
    close = send_and_close('HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"name": "a"}')
    async with run_scripted_server(close, THING) as server:
        client = make_client(server.url)
        await client.call("GET", "/things", Thing)
        assert await client.call("GET", "/things", Thing) == Thing(name="a")

    assert server.connection_count == 2


async def test_unreachable_server_is_described(make_client: MakeClient) -> None:
    client = make_client(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(UpstreamUnavailable) as caught:
        await client.call("GET", "/things", Thing)

    assert caught.value.message.startswith("rest_service: ")
    assert "connect" in caught.value.message.lower()


async def test_unknown_host_is_unavailable(make_client: MakeClient) -> None:
    client = make_client("http://no-such-host.invalid")
    with pytest.raises(UpstreamUnavailable, match=r"rest_service: \S"):
        await client.call("GET", "/things", Thing, max_attempts=1)


async def test_redirect_is_not_followed(make_client: MakeClient) -> None:
    redirect = respond("", "307 Temporary Redirect", "Location: /api/elsewhere\r\n")
    async with run_scripted_server(redirect, THING) as server:
        with pytest.raises(UpstreamRejected) as caught:
            await make_client(server.url).call("GET", "/things", Thing)

    assert caught.value.status == 307
    assert len(server.requests) == 1


@pytest.mark.parametrize("body", ["{", '{"name": 1}', "<html>"])
async def test_response_of_another_type_is_rejected(make_client: MakeClient, body: str) -> None:
    async with run_scripted_server(respond(body)) as server:
        with pytest.raises(UpstreamRejected, match="rest_service: not a Thing"):
            await make_client(server.url).call("GET", "/things", Thing)

    assert len(server.requests) == 1


async def test_refusal_tells_its_reason_and_when_to_return(make_client: MakeClient) -> None:
    refusal = respond('{"detail": "busy"}', "503 Service Unavailable", "retry-after: 7\r\n")
    async with run_scripted_server(refusal) as server:
        with pytest.raises(UpstreamUnavailable) as caught:
            await make_client(server.url).call("POST", "/things", Thing)

    assert caught.value.message == "rest_service: busy"
    assert (caught.value.status, caught.value.retry_after) == (503, 7.0)


async def test_large_response_is_read_whole(make_client: MakeClient) -> None:
    name = "x" * 3_000_000
    async with run_scripted_server(respond(f'{{"name": "{name}"}}')) as server:
        assert await make_client(server.url).call("GET", "/things", Thing) == Thing(name=name)


async def test_requests_of_all_slots_are_open_at_once() -> None:
    slots = 150
    arrived = asyncio.Barrier(slots)

    async def wait_for_all(writer: asyncio.StreamWriter) -> None:
        await arrived.wait()
        await THING(writer)

    async with run_scripted_server(wait_for_all) as server:
        client = build_client(server.url, AiohttpTransport(server.url))
        calls = [client.call("GET", "/things", Thing, max_attempts=1) for _ in range(slots)]
        assert await asyncio.gather(*calls) == [Thing(name="a")] * slots
        await client.close()


async def test_proxies_of_the_environment_are_not_used(
    make_client: MakeClient, canary_server: CanaryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy would receive the service token."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{canary_server.port}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pytest.raises(UpstreamUnavailable):
        await make_client(f"http://127.0.0.1:{free_port()}").call("GET", "/things", Thing)

    assert canary_server.connection_count == 0


async def test_certificate_of_the_server_is_verified(
    make_client: MakeClient, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    async with run_scripted_server(THING, tls=tls) as server:
        with pytest.raises(UpstreamUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
            await make_client(server.url).call("GET", "/things", Thing, max_attempts=1)
        assert server.requests == []
        trusting = ssl.create_default_context(cafile=str(certificate))
        monkeypatch.setattr(tls_module, "get_ssl_context", lambda: trusting)
        assert await make_client(server.url).call("GET", "/things", Thing) == Thing(name="a")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Write a certificate for 127.0.0.1, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rest_service")])
    address = x509.IPAddress(IPv4Address("127.0.0.1"))
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(utc_now() - timedelta(days=1))
        .not_valid_after(utc_now() + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    written = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = tmp_path / "certificate.pem"
    path.write_bytes(written + made.public_bytes(Encoding.PEM))
    return path
