"""Rest tools: the call is checked when the tool is saved; errors name the place."""

import pytest
import pytest_asyncio

from rest_service.tests.api_helpers import Client, JsonObject, Make, Sql, list_items
from smart_kit.contracts.configuration import ConfigurationSnapshot
from smart_kit.contracts.keys import CONFIGURATION_KEY
from smart_kit.redis import Redis

SCHEMA: JsonObject = {
    "type": "object",
    "properties": {"word": {"type": "string"}, "language": {"type": "string"}},
    "required": ["word"],
}
CALL: JsonObject = {
    "method": "GET",
    "url": "https://api.example/v1/words/{word}",
    "query": {"lang": "{language}"},
    "headers": {"Authorization": "Bearer {secret:words}", "Accept": "application/json"},
    "body": None,
}
TOOL: JsonObject = {
    "name": "look_up",
    "tool_type": "rest",
    "description": "A word's meaning.",
    "input_schema": SCHEMA,
    "http_call": CALL,
}


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def secrets(make: Make) -> None:
    await make("secrets", name="words", origin="https://api.example/")
    await make("secrets", name="other", origin="https://other.example")


async def test_rest_tool_is_stored_unchanged(admin: Client, make: Make) -> None:
    tool = await make("tools", **TOOL)

    assert tool["http_call"] == CALL
    assert list(tool["http_call"]["headers"]) == ["Authorization", "Accept"]
    assert (tool["effect_class"], tool["cache_seconds"]) == ("writes", 0)
    assert (await admin.get(f"/tools/{tool['id']}")).json() == tool
    reading = {"effect_class": "reads_outside", "cache_seconds": 60}
    changed = (await admin.patch(f"/tools/{tool['id']}", json=reading)).json()
    assert changed.items() >= reading.items()
    refused = await admin.patch(f"/tools/{tool['id']}", json={"effect_class": None})
    assert (refused.status_code, "look_up writes" in refused.text) == (400, True)


async def test_only_rest_tools_have_and_need_a_call(admin: Client, make: Make) -> None:
    tool, clock = await make("tools", **TOOL), await make("tools")

    for path, body, reason in (
        (tool, {"http_call": None}, "needs http_call"),
        (clock, {"tool_type": "rest"}, "needs http_call"),
        (clock, {"http_call": CALL}, "Only a rest tool"),
        (clock, {"effect_class": "none"}, "Only a rest tool"),
        (tool, {"tool_type": "time", "input_schema": None}, "Only a rest tool"),
    ):
        refused = await admin.patch(f"/tools/{path['id']}", json=body)
        assert (refused.status_code, reason in refused.text) == (400, True), refused.text


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        ({"url": "ftp://api.example/v1"}, "$.http_call.url: "),
        ({"url": "https:///v1/words"}, "$.http_call.url: "),
        ({"url": "https://me:secret@api.example/"}, "$.http_call.url: "),
        ({"url": "https://0x7f000001/v1"}, "$.http_call.url: "),
        (
            {"url": "https://{word}.example/v1"},
            "$.http_call.url cannot have arguments in its server",
        ),
        (
            {"url": "https://api.example:{word}/v1"},
            "$.http_call.url cannot have arguments in its server",
        ),
        ({"url": "https://api.example/v1?a=1"}, "$.http_call.url must end with the path"),
        ({"url": "https://api.example/v1#a"}, "$.http_call.url must end with the path"),
        ({"url": "https://api.example/{words}"}, "$.http_call.url uses {words}"),
        ({"url": "https://api.example/{word"}, "$.http_call.url has a brace"),
        ({"url": "https://api.example/{language}"}, "must list it in $.required"),
        ({"url": "https://api.example/a{secret:words}"}, "$.http_call.url cannot contain a secret"),
        ({"url": "https://api.example/{secret:words}{word}"}, "cannot contain a secret"),
        ({"url": "https://api.example/{secret:words}.json"}, "a whole segment of the path"),
        ({"url": "https://api.example/{secret:Words}"}, "$.http_call.url "),
        ({"url": "https://api.example/{secret:nobody}"}, "$.http_call.url: there is no secret"),
        ({"url": "https://api.example/{secret:other}"}, "$.http_call.url: the secret 'other'"),
        (
            {"url": "https://{secret:words}/a"},
            "$.http_call.url cannot have arguments in its server",
        ),
        ({"url": "https://api.example/bot123456:abcdef/x"}, "$.http_call.url.path looks like"),
        ({"query": {"q": "{meaning}"}}, "$.http_call.query.q uses {meaning}"),
        ({"query": {"api_key": "abcdef"}}, "$.http_call.query.api_key would hold a credential"),
        ({"query": {"key": "abcdef"}}, "$.http_call.query.key would hold a credential"),
        ({"query": {"q": "sk-abcdefghijkl"}}, "$.http_call.query.q would hold a credential"),
        ({"query": {"q": "{secret:Words}"}}, "$.http_call.query.q has a malformed secret"),
        ({"query": {"q": "{secret:nobody}"}}, "$.http_call.query.q: there is no secret 'nobody'"),
        ({"query": {"q": "{secret:other}"}}, "sent to https://other.example"),
        ({"url": "http://api.example/{word}"}, "$.http_call.headers.Authorization: the secret"),
        ({"url": "https://api.example:8443/{word}"}, "the secret 'words' may only be sent to"),
        ({"headers": {"X-Api-Key": "abcdef"}}, "$.http_call.headers.X-Api-Key would hold a cred"),
        ({"headers": {"Authorization": "Bearer abcdef"}}, "write {secret:NAME}"),
        ({"headers": {"X-Api-Key": "abcdef0123{secret:words}"}}, "write {secret:NAME}"),
        ({"headers": {"X-Api-Key": "abcdef0123 {secret:words}"}}, "write {secret:NAME}"),
        ({"headers": {"X-Api-Key": "{secret:words}abcdef"}}, "write {secret:NAME}"),
        ({"headers": {"X-Api-Key": "{word}"}}, "write {secret:NAME}"),
        (
            {"query": {"key": "abcdef0123-{secret:words}"}},
            "$.http_call.query.key would hold a cred",
        ),
        ({"headers": {"X-A": "Bearer abcdef"}}, "$.http_call.headers.X-A would hold a credential"),
        ({"headers": {"host": "x.example"}}, "$.http_call.headers.host is set automatically"),
        ({"headers": {"Content-Length": "1"}}, "is set automatically"),
        ({"headers": {"Transfer-Encoding": "chunked"}}, "is set automatically"),
        ({"headers": {"Connection": "close"}}, "is set automatically"),
        ({"headers": {"X A": "a"}}, "$.http_call.headers: 'X A'"),
        ({"headers": {"X-A": "a", "x-a": "b"}}, "$.http_call.headers.x-a is given twice"),
        ({"headers": {"X-A": "a\r\nHost: b"}}, "$.http_call.headers.X-A may contain"),
        ({"headers": {"X-A": "имя"}}, "$.http_call.headers.X-A may contain"),
        ({"body": {"a": 1}}, "$.http_call.body: a GET request cannot"),
        ({"method": "POST", "body": {"a": ["{b}"]}}, "$.http_call.body.a[0] uses {b}"),
        ({"method": "POST", "body": {"a": "{secret:words}"}}, "$.http_call.body.a cannot contain"),
        ({"method": "POST", "body": {"password": "x"}}, "$.http_call.body.password has the name"),
        ({"method": "POST", "body": {"a": "x" * 9000}}, "http_call has"),
    ],
)
async def test_invalid_call_is_refused_with_its_location(
    admin: Client, make: Make, call: JsonObject, reason: str
) -> None:
    tool = await make("tools", **TOOL)
    wrong = {"http_call": CALL | call}

    for refused in (
        await admin.post("/tools", json=TOOL | {"name": "other"} | wrong),
        await admin.patch(f"/tools/{tool['id']}", json=wrong),
    ):
        assert refused.status_code == 400, refused.text
        assert reason in refused.json()["detail"]
        assert "abcdef" not in refused.json()["detail"]
    assert await list_items(admin, "/tools") == [tool]


async def test_argument_used_by_call_cannot_leave_the_schema(admin: Client, make: Make) -> None:
    tool = await make("tools", **TOOL)
    narrow = {"type": "object", "properties": {"word": {}}, "required": ["word"]}

    refused = await admin.patch(f"/tools/{tool['id']}", json={"input_schema": narrow})

    assert (refused.status_code, "$.http_call.query.lang" in refused.text) == (400, True)


async def test_other_braces_are_not_placeholders(make: Make) -> None:
    call = CALL | {"method": "POST", "body": {"template": "{{ x }}", "text": "Hello {word}"}}

    tool = await make("tools", **TOOL | {"http_call": call})

    assert tool["http_call"] == call


@pytest.mark.parametrize(
    "call",
    [
        {"url": "https://api.example/services/{secret:words}/{word}"},
        {"url": "https://api.example/{secret:words}", "headers": {}},
        {"headers": {"X-Api-Key": "{secret:words}", "Cookie": "session={secret:words}"}},
        {"headers": {"Authorization": "DeepL-Auth-Key {secret:words}"}},
        {"query": {"key": "{secret:words}", "q": "literal 0123 {secret:words}"}},
    ],
)
async def test_secret_is_accepted_in_allowed_places(
    admin: Client, make: Make, redis: Redis, call: JsonObject
) -> None:
    expected = CALL | call
    tool = await make("tools", **TOOL | {"http_call": expected})

    assert tool["http_call"] == expected
    (secret, _) = await list_items(admin, "/secrets")
    assert (await admin.delete(f"/secrets/{secret['id']}")).status_code == 409
    assistant = await make("assistants")
    await make("assistant-tools", assistant_id=assistant["id"], tool_id=tool["id"])
    text = await redis.get(CONFIGURATION_KEY)
    (stored,) = ConfigurationSnapshot.model_validate_json(str(text)).secrets
    assert stored.name == "words"


async def test_secret_used_by_a_tool_cannot_be_deleted(admin: Client, make: Make, sql: Sql) -> None:
    await make("tools", **TOOL)
    (secret, _) = await list_items(admin, "/secrets")

    refused = await admin.delete(f"/secrets/{secret['id']}")

    assert (refused.status_code, "look_up" in refused.text) == (409, True)
