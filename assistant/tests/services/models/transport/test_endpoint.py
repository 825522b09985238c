"""Connections to hostile or broken servers, and the headers of requests."""

import asyncio
import base64
import gzip
import ipaddress
import itertools
import json
import ssl
import time
import traceback
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from yarl import URL

from assistant.src.services.models.client import ModelClient
from assistant.src.services.models.transport import streaming
from assistant.src.services.models.transport.endpoint import Endpoint, EndpointPool
from assistant.tests.services.models.fake_openai_server import (
    StubResponse,
    make_chunk,
    make_completion,
    make_stream,
    run_fake_openai_server,
)
from assistant.tests.services.models.model_harness import (
    make_fake_turn,
    make_model_request,
    make_resolved_model,
)
from smart_kit.errors import ConfigurationError, UpstreamRejected, UpstreamUnavailable

WITH_AND_WITHOUT_STREAMING = pytest.mark.parametrize(
    "more", [(), ("streaming",)], ids=["whole", "streamed"]
)


@WITH_AND_WITHOUT_STREAMING
async def test_redirects_are_not_followed(
    more: tuple[str, ...],
) -> None:
    async with run_fake_openai_server(
        lambda _: make_completion({"content": "mine now"})
    ) as elsewhere:
        to = f"{elsewhere.endpoint.base_url}/chat/completions"
        async with run_fake_openai_server(
            lambda _: StubResponse("", status=307, headers={"location": to})
        ) as server:
            chain = [make_resolved_model(server.endpoint, "own", *more)]
            with pytest.raises(UpstreamRejected, match="307"):
                await ModelClient().complete(chain, make_model_request(), make_fake_turn())

    assert elsewhere.requests == []


async def test_environment_of_the_sdk_is_not_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-1")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Own: secret")
    async with run_fake_openai_server(lambda _: make_completion({"content": "Done."})) as server:
        await ModelClient().complete(
            [make_resolved_model(server.endpoint)], make_model_request(), make_fake_turn()
        )

    (headers,) = server.headers
    names = {name.lower() for name in headers}
    assert names.isdisjoint({"openai-organization", "openai-project", "x-own"})
    assert headers["authorization"] == "Bearer sk-test"


def make_self_signed_context(folder: Path) -> ssl.SSLContext:
    """Return a server's context with a certificate for 127.0.0.1 that no authority has signed."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    pem, kind = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    private = key.private_bytes(pem, kind, serialization.NoEncryption())
    file.write_bytes(private + certificate.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


async def test_server_with_an_untrusted_certificate_gets_no_request(tmp_path: Path) -> None:
    context = make_self_signed_context(tmp_path)
    async with run_fake_openai_server(lambda _: make_completion({}), context) as server:
        with pytest.raises(UpstreamUnavailable, match="ClientConnectorCertificateError"):
            await server.endpoint.post("/chat/completions", b"{}", 30.0)

    assert server.requests == []


async def test_cookies_of_a_server_are_not_sent_back() -> None:
    answer = replace(make_completion({}), headers={"set-cookie": "visitor=7; Path=/"})
    async with run_fake_openai_server(lambda _: answer) as server:
        port = URL(server.endpoint.base_url).port
        endpoint = Endpoint(f"http://localhost:{port}/v1", "sk-test")  # an address has no cookies
        for _ in range(2):
            await endpoint.post("/chat/completions", b"{}", 30.0)
        await endpoint.close()

    assert ["cookie" in headers for headers in server.headers] == [False, False]


def test_malformed_proxy_is_reported_before_the_first_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.lan:99999")
    with pytest.raises(ConfigurationError, match=r"^HTTPS_PROXY is not"):
        EndpointPool()


async def test_requests_go_through_the_proxy_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine models.example login ann password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))  # aiohttp would send it, or refuse to send both keys
    for name in ("NO_PROXY", "no_proxy", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with run_fake_openai_server(lambda _: make_completion({"content": "Done."})) as proxy:
        address = URL(proxy.endpoint.base_url).origin().with_user("ann").with_password("pw")
        monkeypatch.setenv("HTTP_PROXY", str(address))
        endpoint = Endpoint("http://models.example/v1", "sk-test")
        await ModelClient().complete(
            [make_resolved_model(endpoint)], make_model_request(), make_fake_turn()
        )
        await endpoint.close()

    (headers,) = proxy.headers
    assert headers["host"] == "models.example"
    assert headers["authorization"] == "Bearer sk-test"
    assert headers["proxy-authorization"] == f"Basic {base64.b64encode(b'ann:pw').decode()}"


async def test_password_of_a_refusing_proxy_is_not_in_the_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("NO_PROXY", "no_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with run_fake_openai_server(lambda _: make_completion({})) as proxy:  # knows no CONNECT
        address = URL(proxy.endpoint.base_url).origin().with_user("ann").with_password("pa55word")
        monkeypatch.setenv("HTTPS_PROXY", str(address))
        endpoint = Endpoint("https://models.example/v1", "sk-test")
        with pytest.raises(UpstreamUnavailable) as raised:
            await endpoint.post("/chat/completions", b"{}", 30.0)
        await endpoint.close()

    assert str(raised.value) == "ClientHttpProxyError: 404 Not Found"
    assert "pa55word" not in "".join(traceback.format_exception(raised.value))


async def test_hundreds_of_requests_wait_for_their_answers_at_once() -> None:
    """The slots of the worker limit them, not the connections."""
    waiting = itertools.count(1)

    def release_all_at_the_last(_: Any) -> StubResponse:
        if next(waiting) == 300:
            server.stopped.set()
        return replace(make_completion({"content": "Done."}), is_left_open=True)

    async with run_fake_openai_server(release_all_at_the_last) as server:
        chain = [make_resolved_model(server.endpoint)]
        answers = await asyncio.gather(
            *(
                ModelClient().complete(chain, make_model_request(), make_fake_turn())
                for _ in range(300)
            )
        )

    assert [answer.text for answer in answers] == ["Done."] * 300


@WITH_AND_WITHOUT_STREAMING
async def test_endless_answer_is_read_only_to_the_limit(
    more: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "MAX_RESPONSE_BYTES", 10_000)
    long = "x" * 20_000
    answer = (
        make_stream([make_chunk(content=long), make_chunk("stop")])
        if more
        else make_completion({"content": long})
    )
    async with run_fake_openai_server(lambda _: answer) as server:
        chain = [make_resolved_model(server.endpoint, "own", *more)]
        with pytest.raises(UpstreamUnavailable):
            await ModelClient().complete(chain, make_model_request(), make_fake_turn())


CONTEXT_LENGTH_ERROR = {"error": {"message": "x" * 200, "code": "context_length_exceeded"}}


@pytest.mark.parametrize("is_packed", [False, True], ids=["plain", "compressed"])
@pytest.mark.parametrize(("most", "seen"), [(100, "400: a str of 100"), (1_000, "400: code")])
@WITH_AND_WITHOUT_STREAMING
async def test_only_the_beginning_of_an_error_is_read(
    more: tuple[str, ...],
    most: int,
    seen: str,
    is_packed: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streaming, "MAX_ERROR_BYTES", most)
    said = json.dumps(CONTEXT_LENGTH_ERROR).encode()
    headers = {"content-encoding": "gzip"} if is_packed else {}
    answer = StubResponse(gzip.compress(said) if is_packed else said, status=400, headers=headers)
    async with run_fake_openai_server(lambda _: answer) as server:
        chain = [make_resolved_model(server.endpoint, "own", *more)]
        with pytest.raises(UpstreamRejected, match=seen):
            await ModelClient().complete(chain, make_model_request(), make_fake_turn())


@pytest.mark.parametrize("length", [None, "1000000000"])
async def test_long_error_is_not_read_to_its_end(length: str | None) -> None:
    headers = {} if length is None else {"content-length": length}
    endless = StubResponse("x" * 100_000, status=400, is_left_open=True, headers=headers)
    async with run_fake_openai_server(lambda _: endless) as server:
        with pytest.raises(UpstreamRejected, match="400: a str of 64000"):
            await ModelClient().complete(
                [make_resolved_model(server.endpoint)], make_model_request(), make_fake_turn()
            )


async def test_long_line_takes_linear_time() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b'data: {"text": "'
        for _ in range(200_000):
            yield b"x" * 100
        yield b'"}\n\ndata: {"last": 1}'

    started = time.process_time()
    read: list[Any] = [event async for event in streaming.iter_events(chunks())]

    assert [list(event) for event in read] == [["text"], ["last"]]
    assert time.process_time() - started < 5
