"""What an administrator is told of a provider, whatever is wrong with it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from rest_service.app.services import endpoint
from rest_service.tests.api_helpers import Client, JsonObject, Make, Sql
from rest_service.tests.provider_server import (
    NAMES,
    ProviderServer,
    answer_with,
    error,
    provider_server,
)
from smart_kit.testing.ports import free_port

KEY = "sk-secret-0123456789-abcdefghij"
MODELS, CHAT, RESPONSES = "/v1/models", "/v1/chat/completions", "/v1/responses"


@pytest_asyncio.fixture(loop_scope="session")
async def server() -> AsyncIterator[ProviderServer]:
    async with provider_server() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def provider(make: Make, server: ProviderServer) -> JsonObject:
    return await make("providers", base_url=f"{server.url}/v1", api_key=KEY)


async def tried(admin: Client, provider: JsonObject, model: str | None = None) -> JsonObject:
    answer = await admin.post(f"/providers/{provider['id']}/test", json={"model": model})
    assert answer.status_code == 200, answer.text
    assert KEY not in answer.text
    found: JsonObject = answer.json()
    assert found["is_well"] == (found["problem"] is None)
    return found


async def test_one_that_is_well_is_asked_with_its_key_and_says_what_it_has(
    admin: Client, provider: JsonObject, server: ProviderServer
) -> None:
    found = await tried(admin, provider)

    assert found["is_well"]
    assert found["model_names"] == list(NAMES)
    assert "lists 2 models" in found["detail"]
    assert server.asked == [("GET", MODELS, None)]
    assert server.keys == [f"Bearer {KEY}"]


async def test_a_model_is_asked_for_a_word_of_no_more_than_16_tokens(
    admin: Client, provider: JsonObject, server: ProviderServer
) -> None:
    found = await tried(admin, provider, NAMES[0])

    assert found["is_well"]
    assert found["detail"].endswith("llama-small answers.")
    method, path, body = server.asked[-1]
    assert (method, path, len(server.asked)) == ("POST", CHAT, 2)
    assert body is not None
    assert (body["model"], body["max_tokens"]) == (NAMES[0], 16)


async def test_a_model_is_asked_in_the_way_of_its_record(
    admin: Client, make: Make, provider: JsonObject, server: ProviderServer
) -> None:
    parameters = {"reasoning_effort": "none", "max_output_tokens": 9000}
    await make(
        "models",
        provider_id=provider["id"],
        provider_model_name=NAMES[0],
        api="responses",
        parameters=parameters,
    )
    assert (await tried(admin, provider, NAMES[0]))["is_well"]

    _, path, body = server.asked[-1]
    assert path == RESPONSES
    assert body is not None
    assert (body["max_output_tokens"], body["store"]) == (16, False)
    assert body["reasoning_effort"] == "none"


async def test_a_model_of_an_api_that_its_server_does_not_have_is_told_so(
    admin: Client, make: Make, provider: JsonObject, server: ProviderServer
) -> None:
    own = {"provider_id": provider["id"], "provider_model_name": NAMES[0]}
    await make("models", **own, api="responses")
    server.answers[RESPONSES] = answer_with(404, {})
    found = await tried(admin, provider, NAMES[0])

    assert (found["is_well"], found["problem"]) == (False, "wrong_path")
    assert 'give the model "api": "chat"' in found["detail"]


async def test_a_server_that_calls_the_limit_otherwise_is_asked_so(
    admin: Client, provider: JsonObject, server: ProviderServer
) -> None:
    async def modern(request: web.Request) -> web.Response:
        body = await request.json()
        if "max_tokens" in body:
            return error(400, "unsupported_parameter", "Use 'max_completion_tokens' instead.")
        return server.serve(CHAT, body)

    server.answers[CHAT] = modern
    assert (await tried(admin, provider, NAMES[0]))["is_well"]
    _, _, body = server.asked[-1]
    assert body is not None
    assert body["max_completion_tokens"] == 16


@pytest.mark.parametrize("listing", [404, 405, "<html>Welcome</html>"])
async def test_a_server_that_lists_no_models_but_answers_is_well(
    admin: Client, provider: JsonObject, server: ProviderServer, listing: int | str
) -> None:
    is_page = isinstance(listing, str)
    server.answers[MODELS] = answer_with(
        200 if is_page else int(listing), listing if is_page else {}
    )
    found = await tried(admin, provider, NAMES[0])

    assert (found["is_well"], found["model_names"]) == (True, [])
    assert "lists no models" in found["detail"]


HABITS: list[tuple[str, int, Any, str, str]] = [
    (MODELS, 401, {"error": {"message": f"Incorrect API key: {KEY}"}}, "wrong_key", "api_key"),
    (MODELS, 400, [{"error": {"message": "API key not valid"}}], "wrong_key", "api_key"),
    (MODELS, 402, {"error": {"message": "Insufficient Balance"}}, "no_money", "top it up"),
    (MODELS, 301, "", "wrong_path", "redirects"),
    (MODELS, 500, {"error": "oops"}, "refused", "HTTP 500"),
    (MODELS, 403, {"detail": "Your country is not served"}, "refused", "country is not served"),
    (MODELS, 200, {"status": "fine"}, "no_api", "something else"),
    (MODELS, 200, "<html>", "no_api", "a page"),
    (MODELS, 404, {}, "wrong_path", "name one to try it"),
    (CHAT, 429, {"error": {"message": "x", "type": "insufficient_quota"}}, "no_money", "quota"),
    (CHAT, 429, {"error": {"message": "slow down", "code": "slow_down"}}, "busy", "later"),
    (CHAT, 503, {"error": {"message": "Loading model"}}, "busy", "Loading model"),
    (CHAT, 200, {"error": {"code": 402, "message": "credits"}}, "no_money", "top it up"),
    (CHAT, 200, {"error": {"code": 429, "message": "x"}}, "busy", "later"),
    (CHAT, 200, {"choices": None}, "no_api", "something else"),
    (CHAT, 200, "<html>", "no_api", "a page"),
    (CHAT, 404, {}, "wrong_path", "nothing at"),
    (CHAT, 400, {"object": "error", "message": "no templates"}, "refused", "no templates"),
    (CHAT, 422, {"detail": [{"loc": ["body", "x"]}]}, "refused", "body"),
    (CHAT, 400, {"error": {"message": "invalid model ID"}}, "wrong_model", "llama-small"),
]


@pytest.mark.parametrize(("path", "status", "content", "problem", "said"), HABITS)
async def test_what_is_wrong_is_said_with_what_to_do(
    admin: Client,
    provider: JsonObject,
    server: ProviderServer,
    path: str,
    status: int,
    content: Any,
    problem: str,
    said: str,
) -> None:
    server.answers[path] = answer_with(status, content)
    found = await tried(admin, provider, None if path == MODELS else NAMES[0])

    assert (found["problem"], said in found["detail"]) == (problem, True), found["detail"]


async def test_a_model_that_is_not_there_is_answered_with_those_near_it(
    admin: Client, provider: JsonObject
) -> None:
    found = await tried(admin, provider, "llama-smal")

    assert found["problem"] == "wrong_model"
    assert "Near it: llama-small" in found["detail"]


@pytest.mark.parametrize(("path", "problem"), [("", "wrong_path"), ("/v1", None)])
async def test_a_base_url_without_v1_is_recognised(
    admin: Client, make: Make, server: ProviderServer, path: str, problem: str | None
) -> None:
    found = await tried(admin, await make("providers", base_url=f"{server.url}{path}"))

    assert found["problem"] == problem
    assert ("Does base_url lack /v1" in found["detail"]) == (problem is not None)


async def test_a_page_where_the_api_should_be_is_recognised(
    admin: Client, make: Make, server: ProviderServer
) -> None:
    server.answers["*"] = answer_with(200, "<html>Welcome</html>")
    found = await tried(admin, await make("providers", base_url=server.url))

    assert found["problem"] == "wrong_path"
    assert f"{server.url}/v1?" in found["detail"]


async def test_one_that_wants_a_key_is_not_said_to_have_a_wrong_one(
    admin: Client, make: Make, server: ProviderServer
) -> None:
    server.answers["*"] = answer_with(401, {})
    found = await tried(admin, await make("providers", base_url=f"{server.url}/v1"))

    assert (found["problem"], "none is kept" in found["detail"]) == ("wrong_key", True)
    assert server.keys == [""]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_the_key_follows_no_redirect(
    admin: Client, provider: JsonObject, server: ProviderServer, status: int
) -> None:
    async with provider_server() as elsewhere:

        async def redirect(_: web.Request) -> web.Response:
            target = f"{elsewhere.url}/v1/models?api_key={KEY}"
            return web.Response(status=status, headers={"Location": target})

        server.answers["*"] = redirect
        found = await tried(admin, provider, NAMES[0])

        assert elsewhere.asked == []
        assert f"redirects to {elsewhere.url}/v1/models;" in found["detail"]


@pytest.mark.parametrize("location", ["http://[bad", "http://[::1", "//[", "\\\\", ":", "http:///"])
async def test_a_redirect_to_no_address_at_all_is_a_redirect(
    admin: Client, provider: JsonObject, server: ProviderServer, location: str
) -> None:
    async def redirect(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": location})

    server.answers["*"] = redirect

    assert (await tried(admin, provider))["problem"] == "wrong_path"


async def test_what_no_database_takes_is_replaced_wherever_a_server_says_it(
    admin: Client, provider: JsonObject, server: ProviderServer
) -> None:
    server.answers[MODELS] = answer_with(200, {"data": [{"id": "a\ud800"}, {"id": "b\x00"}]})
    server.answers[CHAT] = answer_with(400, {"error": {"message": "half \udfff\x00 of it"}})

    assert (await tried(admin, provider))["model_names"] == ["a\ufffd", "b\ufffd"]
    del server.answers[MODELS]
    found = await tried(admin, provider, NAMES[0])
    assert (found["problem"], "half \ufffd\ufffd of it" in found["detail"]) == ("refused", True)


ECHOES = [
    f"No such thing: {KEY}",
    f"Half of it: {KEY[:14]}",
    f"The other half: {KEY[-9:]}",
    KEY.upper(),
    f"{'x' * 190} {KEY}",
]


@pytest.mark.parametrize("words", ECHOES)
async def test_no_part_of_the_key_is_repeated_and_no_long_speech(
    admin: Client, provider: JsonObject, server: ProviderServer, words: str
) -> None:
    server.answers["*"] = answer_with(400, {"error": {"message": words + "y" * 1000}})
    found = await tried(admin, provider, NAMES[0])

    parts = [KEY[at : at + 8] for at in range(len(KEY) - 7)]
    assert found["problem"] == "refused"
    assert not [part for part in parts if part.lower() in found["detail"].lower()]
    assert len(found["detail"]) < 300


async def test_a_list_that_repeats_the_key_is_shown_without_it(
    admin: Client, provider: JsonObject, server: ProviderServer
) -> None:
    server.answers[MODELS] = answer_with(
        200, {"data": [{"id": KEY}, {"id": "fine"}, {"id": 7}, "x"]}
    )

    assert (await tried(admin, provider))["model_names"] == ["fine"]


async def test_who_is_not_there_is_told_apart(
    admin: Client, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up = socket.getaddrinfo

    def known(host: str | bytes | None, *rest: Any, **options: Any) -> Any:
        if host in ("no-such-host.invalid", b"no-such-host.invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return look_up(host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", known)
    nobody = await make("providers", base_url=f"http://127.0.0.1:{free_port()}/v1")
    unknown = await make("providers", base_url="http://no-such-host.invalid/v1")

    refused, missing = await tried(admin, nobody), await tried(admin, unknown)
    assert (refused["problem"], missing["problem"]) == ("unreachable", "unknown_host")
    assert "host.docker.internal" in refused["detail"]
    assert "no-such-host.invalid" in missing["detail"]


async def test_https_where_there_is_none_is_recognised(
    admin: Client, make: Make, server: ProviderServer
) -> None:
    found = await tried(
        admin, await make("providers", base_url=server.url.replace("http:", "https:") + "/v1")
    )

    assert (found["problem"], "http://" in found["detail"]) == ("no_tls", True)


async def test_what_speaks_no_http_is_recognised(admin: Client, make: Make) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        await writer.drain()
        await reader.read(1)
        writer.close()

    mail = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = mail.sockets[0].getsockname()[1]
    async with mail:
        found = await tried(admin, await make("providers", base_url=f"http://127.0.0.1:{port}/v1"))

    assert (found["problem"], "https://" in found["detail"]) == ("no_api", True)


async def test_one_that_never_ends_is_given_up(
    admin: Client,
    provider: JsonObject,
    server: ProviderServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.02)

    monkeypatch.setattr(endpoint, "SECONDS", 0.2)
    server.answers["*"] = drip
    found = await tried(admin, provider)

    assert (found["problem"], "0.2 s" in found["detail"]) == ("timed_out", True)


async def test_one_that_sends_too_much_is_given_up(
    admin: Client, provider: JsonObject, server: ProviderServer
) -> None:
    server.answers["*"] = answer_with(200, "x" * (2 * 1024 * 1024 + 1))
    found = await tried(admin, provider)

    assert (found["problem"], "2 MB" in found["detail"]) == ("no_api", True)


async def test_with_a_key_that_cannot_be_read_nobody_is_asked(
    admin: Client, provider: JsonObject, server: ProviderServer, sql: Sql
) -> None:
    await sql("UPDATE llm_providers SET encrypted_api_key = 'of another master key'")
    found = await tried(admin, provider)

    assert (found["problem"], server.asked) == ("unreadable_key", [])
    assert "LLM_MODEL_DECRYPT_KEY" in found["detail"]


async def test_who_is_no_provider_is_not_found(admin: Client, person: JsonObject) -> None:
    answer = await admin.post(f"/providers/{person['id']}/test", json={})

    assert answer.status_code == 404
