"""The Bot API over HTTP: tokens, method names, request bodies."""

import json
from typing import Any

import aiohttp
import pytest

from sandbox.telegram.methods import METHODS
from sandbox.tests.sandbox_harness import ALICE, TOKEN, BotApiRefused, SandboxHarness


@pytest.mark.parametrize(
    ("path", "status", "description"),
    [
        ("/botnonsense/getMe", 401, "Unauthorized: invalid token specified"),
        ("/bot424242:another-token/getMe", 401, "Unauthorized"),
        (f"/bot{TOKEN}/getNothing", 404, "Not Found: method not found"),
    ],
)
async def test_wrong_tokens_and_methods_have_different_errors(
    sandbox: SandboxHarness, path: str, status: int, description: str
) -> None:
    async with sandbox.http.get(sandbox.url + path) as response:
        body = await response.json()
    assert response.status == status
    assert body == {"ok": False, "error_code": status, "description": description}


async def test_methods_are_case_insensitive_and_take_get(sandbox: SandboxHarness) -> None:
    async with sandbox.http.get(f"{sandbox.url}/bot{TOKEN}/GETME") as response:
        body = await response.json()
    assert body["result"]["id"] == 424242
    assert body["result"]["is_bot"] is True


def _build_multipart(values: dict[str, str]) -> aiohttp.MultipartWriter:
    form = aiohttp.MultipartWriter("form-data")
    for name, value in values.items():
        part = form.append(value)
        part.set_content_disposition("form-data", name=name)
    return form


KEYBOARD = {"inline_keyboard": [[{"text": "Yes", "callback_data": "yes"}]]}
IN_FORMS = {
    "chat_id": str(ALICE),
    "text": "Привет 🏟",
    "reply_markup": json.dumps(KEYBOARD),
}


@pytest.mark.parametrize(
    "request_body",
    [
        {"json": {"chat_id": ALICE, "text": "Привет 🏟", "reply_markup": KEYBOARD}},
        {"json": IN_FORMS},
        {"data": IN_FORMS},
        {"params": IN_FORMS},
        {"data": _build_multipart(IN_FORMS)},
    ],
    ids=["json", "json-with-strings", "urlencoded", "query", "multipart"],
)
async def test_every_body_encoding_gives_the_same_result(
    sandbox: SandboxHarness, request_body: dict[str, Any]
) -> None:
    url = f"{sandbox.url}/bot{TOKEN}/sendMessage"
    async with sandbox.http.post(url, **request_body) as response:
        result = (await response.json())["result"]
    assert result["text"] == "Привет 🏟"
    assert result["reply_markup"] == KEYBOARD


async def test_unknown_parameter_is_ignored_and_recorded(sandbox: SandboxHarness) -> None:
    await sandbox.call_bot_api("sendMessage", chat_id=ALICE, text="x", parsemode="HTML")
    violations = await sandbox.call_chat_api("GET", "/chat/api/violations")
    assert violations == {
        "items": [{"method": "sendMessage", "kind": "unknown_parameter", "detail": "parsemode"}]
    }


@pytest.mark.parametrize("body", ["[]", "{", '"x"'])
async def test_body_must_be_a_json_object(sandbox: SandboxHarness, body: str) -> None:
    url = f"{sandbox.url}/bot{TOKEN}/sendMessage"
    headers = {"Content-Type": "application/json"}
    async with sandbox.http.post(url, data=body, headers=headers) as response:
        assert response.status == 400


SURROGATE_HALF = "\\ud83d"
DIGITS = "1" * 5000


@pytest.mark.parametrize(
    ("method", "body", "description"),
    [
        (
            "sendMessage",
            f'{{"chat_id":{ALICE},"text":"{SURROGATE_HALF}"}}',
            "strings must be encoded in",
        ),
        (
            "setMyCommands",
            f'{{"language_code":"{SURROGATE_HALF}"}}',
            "strings must be encoded in UTF-8",
        ),
        ("sendMessage", f'{{"chat_id":"{DIGITS}","text":"x"}}', "chat not found"),
        ("sendMessage", f'{{"chat_id":{"[" * 5000}{"]" * 5000}}}', ""),
        (
            "sendRichMessage",
            f'{{"chat_id":{ALICE},"rich_message":{{"html":"<![x](y)"}}}}',
            "RICH_MESSAGE_",
        ),
        (
            "sendRichMessage",
            f'{{"chat_id":{ALICE},"rich_message":{{"html":"<b>&#{DIGITS};"}}}}',
            "RICH_MESSAGE_HTML_INVALID",
        ),
    ],
)
async def test_malformed_parameters_are_bad_requests(
    sandbox: SandboxHarness, method: str, body: str, description: str
) -> None:
    url = f"{sandbox.url}/bot{TOKEN}/{method}"
    headers = {"Content-Type": "application/json"}
    async with sandbox.http.post(url, data=body, headers=headers) as response:
        envelope = await response.json()
    assert response.status == 400
    assert envelope["description"].startswith(f"Bad Request: {description}")


async def test_refused_call_changes_nothing(sandbox: SandboxHarness) -> None:
    with pytest.raises(BotApiRefused):
        await sandbox.call_bot_api("sendMessage", chat_id=ALICE, text="x", reply_markup="nonsense")
    assert await sandbox.list_messages() == []


def test_method_names_are_unique() -> None:
    names = [method.name.lower() for method in METHODS]
    assert len(names) == len(set(names))
