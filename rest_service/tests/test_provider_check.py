"""The result of testing a provider, for all kinds of errors."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from rest_service.app.services.providers import client
from rest_service.tests.api_helpers import Client, JsonObject, Make, Sql
from rest_service.tests.fake_provider_server import (
    MODEL_NAMES,
    FakeProviderServer,
    make_error,
    respond_with,
    run_fake_provider_server,
)
from smart_kit.testing.ports import free_port

KEY = "sk-secret-0123456789-abcdefghij"
MODELS, CHAT, RESPONSES = "/v1/models", "/v1/chat/completions", "/v1/responses"


@pytest_asyncio.fixture(loop_scope="session")
async def server() -> AsyncIterator[FakeProviderServer]:
    async with run_fake_provider_server() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def provider(make: Make, server: FakeProviderServer) -> JsonObject:
    return await make("providers", base_url=f"{server.url}/v1", api_key=KEY)


async def check_provider(
    admin: Client, provider: JsonObject, model: str | None = None
) -> JsonObject:
    answer = await admin.post(f"/providers/{provider['id']}/test", json={"model": model})
    assert answer.status_code == 200, answer.text
    assert KEY not in answer.text
    found: JsonObject = answer.json()
    assert found["is_healthy"] == (found["error_code"] is None)
    return found


async def test_a_healthy_provider_is_called_with_its_key_and_lists_its_models(
    admin: Client, provider: JsonObject, server: FakeProviderServer
) -> None:
    found = await check_provider(admin, provider)

    assert found["is_healthy"]
    assert found["model_names"] == list(MODEL_NAMES)
    assert "lists 2 models" in found["detail"]
    assert server.requests == [("GET", MODELS, None)]
    assert server.authorization_headers == [f"Bearer {KEY}"]


async def test_check_asks_a_model_for_at_most_16_tokens(
    admin: Client, provider: JsonObject, server: FakeProviderServer
) -> None:
    found = await check_provider(admin, provider, MODEL_NAMES[0])

    assert found["is_healthy"]
    assert found["detail"].endswith("llama-small answers.")
    method, path, body = server.requests[-1]
    assert (method, path, len(server.requests)) == ("POST", CHAT, 2)
    assert body is not None
    assert (body["model"], body["max_tokens"]) == (MODEL_NAMES[0], 16)


async def test_check_uses_the_api_and_parameters_of_the_record(
    admin: Client, make: Make, provider: JsonObject, server: FakeProviderServer
) -> None:
    parameters = {"reasoning_effort": "none", "max_output_tokens": 9000}
    await make(
        "models",
        provider_id=provider["id"],
        provider_model_name=MODEL_NAMES[0],
        api="responses",
        parameters=parameters,
    )
    assert (await check_provider(admin, provider, MODEL_NAMES[0]))["is_healthy"]

    _, path, body = server.requests[-1]
    assert path == RESPONSES
    assert body is not None
    assert (body["max_output_tokens"], body["store"]) == (16, False)
    assert body["reasoning_effort"] == "none"


async def test_missing_responses_api_is_diagnosed(
    admin: Client, make: Make, provider: JsonObject, server: FakeProviderServer
) -> None:
    own = {"provider_id": provider["id"], "provider_model_name": MODEL_NAMES[0]}
    await make("models", **own, api="responses")
    server.responders[RESPONSES] = respond_with(404, {})
    found = await check_provider(admin, provider, MODEL_NAMES[0])

    assert (found["is_healthy"], found["error_code"]) == (False, "path_not_found")
    assert 'api to "chat"' in found["detail"]


async def test_check_falls_back_to_max_completion_tokens(
    admin: Client, provider: JsonObject, server: FakeProviderServer
) -> None:
    async def modern(request: web.Request) -> web.Response:
        body = await request.json()
        if "max_tokens" in body:
            return make_error(400, "unsupported_parameter", "Use 'max_completion_tokens' instead.")
        return server.serve(CHAT, body)

    server.responders[CHAT] = modern
    assert (await check_provider(admin, provider, MODEL_NAMES[0]))["is_healthy"]
    _, _, body = server.requests[-1]
    assert body is not None
    assert body["max_completion_tokens"] == 16


@pytest.mark.parametrize("listing", [404, 405, "<html>Welcome</html>"])
async def test_server_without_model_list_is_healthy_if_it_answers(
    admin: Client, provider: JsonObject, server: FakeProviderServer, listing: int | str
) -> None:
    is_page = isinstance(listing, str)
    server.responders[MODELS] = respond_with(
        200 if is_page else int(listing), listing if is_page else {}
    )
    found = await check_provider(admin, provider, MODEL_NAMES[0])

    assert (found["is_healthy"], found["model_names"]) == (True, [])
    assert "lists no models" in found["detail"]


ERROR_RESPONSES: list[tuple[str, int, Any, str, str]] = [
    (MODELS, 401, {"error": {"message": f"Incorrect API key: {KEY}"}}, "invalid_key", "api_key"),
    (MODELS, 400, [{"error": {"message": "API key not valid"}}], "invalid_key", "api_key"),
    (MODELS, 402, {"error": {"message": "Insufficient Balance"}}, "quota_exceeded", "Top it up"),
    (MODELS, 301, "", "path_not_found", "redirects"),
    (MODELS, 500, {"error": "oops"}, "refused", "HTTP 500"),
    (MODELS, 403, {"detail": "Your country is not served"}, "refused", "country is not served"),
    (MODELS, 200, {"status": "fine"}, "unexpected_response", "other JSON"),
    (MODELS, 200, "<html>", "unexpected_response", "a web page"),
    (MODELS, 404, {}, "path_not_found", "name a model to test"),
    (
        CHAT,
        429,
        {"error": {"message": "x", "type": "insufficient_quota"}},
        "quota_exceeded",
        "quota",
    ),
    (CHAT, 429, {"error": {"message": "slow down", "code": "slow_down"}}, "busy", "later"),
    (CHAT, 503, {"error": {"message": "Loading model"}}, "busy", "Loading model"),
    (CHAT, 200, {"error": {"code": 402, "message": "credits"}}, "quota_exceeded", "Top it up"),
    (CHAT, 200, {"error": {"code": 429, "message": "x"}}, "busy", "later"),
    (CHAT, 200, {"choices": None}, "unexpected_response", "other JSON"),
    (CHAT, 200, "<html>", "unexpected_response", "a web page"),
    (CHAT, 404, {}, "path_not_found", "nothing at"),
    (CHAT, 400, {"object": "error", "message": "no templates"}, "refused", "no templates"),
    (CHAT, 422, {"detail": [{"loc": ["body", "x"]}]}, "refused", "body"),
    (CHAT, 400, {"error": {"message": "invalid model ID"}}, "model_not_found", "llama-small"),
]


@pytest.mark.parametrize(("path", "status", "content", "error_code", "advice"), ERROR_RESPONSES)
async def test_error_response_is_diagnosed_with_advice(
    admin: Client,
    provider: JsonObject,
    server: FakeProviderServer,
    path: str,
    status: int,
    content: Any,
    error_code: str,
    advice: str,
) -> None:
    server.responders[path] = respond_with(status, content)
    found = await check_provider(admin, provider, None if path == MODELS else MODEL_NAMES[0])

    assert (found["error_code"], advice in found["detail"]) == (error_code, True), found["detail"]


async def test_unknown_model_is_answered_with_similar_names(
    admin: Client, provider: JsonObject
) -> None:
    found = await check_provider(admin, provider, "llama-smal")

    assert found["error_code"] == "model_not_found"
    assert "Similar: llama-small" in found["detail"]


@pytest.mark.parametrize(("path", "error_code"), [("", "path_not_found"), ("/v1", None)])
async def test_base_url_without_v1_is_diagnosed(
    admin: Client, make: Make, server: FakeProviderServer, path: str, error_code: str | None
) -> None:
    found = await check_provider(admin, await make("providers", base_url=f"{server.url}{path}"))

    assert found["error_code"] == error_code
    assert ("Check whether base_url lacks /v1" in found["detail"]) == (error_code is not None)


async def test_web_page_instead_of_the_api_is_diagnosed(
    admin: Client, make: Make, server: FakeProviderServer
) -> None:
    server.responders["*"] = respond_with(200, "<html>Welcome</html>")
    found = await check_provider(admin, await make("providers", base_url=server.url))

    assert found["error_code"] == "path_not_found"
    assert f"lacks /v1: {server.url}/v1." in found["detail"]


async def test_missing_key_is_told_apart_from_a_wrong_one(
    admin: Client, make: Make, server: FakeProviderServer
) -> None:
    server.responders["*"] = respond_with(401, {})
    found = await check_provider(admin, await make("providers", base_url=f"{server.url}/v1"))

    assert (found["error_code"], "none is stored" in found["detail"]) == ("invalid_key", True)
    assert server.authorization_headers == [""]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_key_is_not_sent_to_a_redirect_target(
    admin: Client, provider: JsonObject, server: FakeProviderServer, status: int
) -> None:
    async with run_fake_provider_server() as elsewhere:

        async def redirect(_: web.Request) -> web.Response:
            target = f"{elsewhere.url}/v1/models?api_key={KEY}"
            return web.Response(status=status, headers={"Location": target})

        server.responders["*"] = redirect
        found = await check_provider(admin, provider, MODEL_NAMES[0])

        assert elsewhere.requests == []
        assert f"redirects to {elsewhere.url}/v1/models. " in found["detail"]


@pytest.mark.parametrize("location", ["http://[bad", "http://[::1", "//[", "\\\\", ":", "http:///"])
async def test_redirect_to_an_invalid_address_is_diagnosed_as_redirect(
    admin: Client, provider: JsonObject, server: FakeProviderServer, location: str
) -> None:
    async def redirect(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": location})

    server.responders["*"] = redirect

    assert (await check_provider(admin, provider))["error_code"] == "path_not_found"


async def test_unstorable_characters_of_responses_are_replaced(
    admin: Client, provider: JsonObject, server: FakeProviderServer
) -> None:
    server.responders[MODELS] = respond_with(200, {"data": [{"id": "a\ud800"}, {"id": "b\x00"}]})
    server.responders[CHAT] = respond_with(400, {"error": {"message": "half \udfff\x00 of it"}})

    assert (await check_provider(admin, provider))["model_names"] == ["a\ufffd", "b\ufffd"]
    del server.responders[MODELS]
    found = await check_provider(admin, provider, MODEL_NAMES[0])
    assert (found["error_code"], "half \ufffd\ufffd of it" in found["detail"]) == ("refused", True)


KEY_ECHOES = [
    f"No such thing: {KEY}",
    f"Half of it: {KEY[:14]}",
    f"The other half: {KEY[-9:]}",
    KEY.upper(),
    f"{'x' * 190} {KEY}",
]


@pytest.mark.parametrize("message", KEY_ECHOES)
async def test_quotes_are_short_and_contain_no_part_of_the_key(
    admin: Client, provider: JsonObject, server: FakeProviderServer, message: str
) -> None:
    server.responders["*"] = respond_with(400, {"error": {"message": message + "y" * 1000}})
    found = await check_provider(admin, provider, MODEL_NAMES[0])

    parts = [KEY[at : at + 8] for at in range(len(KEY) - 7)]
    assert found["error_code"] == "refused"
    assert not [part for part in parts if part.lower() in found["detail"].lower()]
    assert len(found["detail"]) < 300


async def test_model_names_that_contain_the_key_are_left_out(
    admin: Client, provider: JsonObject, server: FakeProviderServer
) -> None:
    server.responders[MODELS] = respond_with(
        200, {"data": [{"id": KEY}, {"id": "fine"}, {"id": 7}, "x"]}
    )

    assert (await check_provider(admin, provider))["model_names"] == ["fine"]


async def test_unreachable_server_and_unknown_host_are_told_apart(
    admin: Client, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up = socket.getaddrinfo

    def known(host: str | bytes | None, *rest: Any, **options: Any) -> Any:
        if host in ("no-such-host.invalid", b"no-such-host.invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return look_up(host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", known)
    closed_port = await make("providers", base_url=f"http://127.0.0.1:{free_port()}/v1")
    unknown = await make("providers", base_url="http://no-such-host.invalid/v1")

    refused, missing = (
        await check_provider(admin, closed_port),
        await check_provider(admin, unknown),
    )
    assert (refused["error_code"], missing["error_code"]) == ("unreachable", "unknown_host")
    assert "host.docker.internal" in refused["detail"]
    assert "no-such-host.invalid" in missing["detail"]


async def test_https_url_of_an_http_server_is_diagnosed(
    admin: Client, make: Make, server: FakeProviderServer
) -> None:
    found = await check_provider(
        admin, await make("providers", base_url=server.url.replace("http:", "https:") + "/v1")
    )

    assert (found["error_code"], "http://" in found["detail"]) == ("tls_failed", True)


async def test_server_that_does_not_speak_http_is_diagnosed(admin: Client, make: Make) -> None:
    async def send_banner(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        await writer.drain()
        await reader.read(1)
        writer.close()

    mail = await asyncio.start_server(send_banner, "127.0.0.1", 0)
    port = mail.sockets[0].getsockname()[1]
    async with mail:
        found = await check_provider(
            admin, await make("providers", base_url=f"http://127.0.0.1:{port}/v1")
        )

    assert (found["error_code"], "https://" in found["detail"]) == ("unexpected_response", True)


async def test_endless_response_times_out(
    admin: Client,
    provider: JsonObject,
    server: FakeProviderServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def send_slowly(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.02)

    monkeypatch.setattr(client, "TIMEOUT_SECONDS", 0.2)
    server.responders["*"] = send_slowly
    found = await check_provider(admin, provider)

    assert (found["error_code"], "0.2 s" in found["detail"]) == ("timed_out", True)


async def test_response_over_2_mb_is_refused(
    admin: Client, provider: JsonObject, server: FakeProviderServer
) -> None:
    server.responders["*"] = respond_with(200, "x" * (2 * 1024 * 1024 + 1))
    found = await check_provider(admin, provider)

    assert (found["error_code"], "2 MB" in found["detail"]) == ("unexpected_response", True)


async def test_no_request_is_sent_with_an_unreadable_key(
    admin: Client, provider: JsonObject, server: FakeProviderServer, sql: Sql
) -> None:
    await sql("UPDATE llm_providers SET encrypted_api_key = 'of another master key'")
    found = await check_provider(admin, provider)

    assert (found["error_code"], server.requests) == ("unreadable_key", [])
    assert "LLM_MODEL_DECRYPT_KEY" in found["detail"]


async def test_unknown_provider_is_not_found(admin: Client, person: JsonObject) -> None:
    answer = await admin.post(f"/providers/{person['id']}/test", json={})

    assert answer.status_code == 404
