import json
from typing import Any

import pytest

from rest_service.tests.api_helpers import Client, JsonObject, Make, Sql, list_items

HTTP_CALL: JsonObject = {"url": "https://api.example/v1"}
PLACE_SCHEMA: JsonObject = {"type": "object", "properties": {"place": {"type": "string"}}}


def make_nested_schema(depth: int) -> JsonObject:
    schema: JsonObject = {"type": "object"}
    for _ in range(depth):
        schema = {"type": "object", "not": schema}
    return schema


async def test_a_tool_is_added_read_changed_and_removed(admin: Client, make: Make) -> None:
    added = await make("tools", name="clock", input_schema=PLACE_SCHEMA)
    path = f"/tools/{added['id']}"

    assert added["input_schema"] == PLACE_SCHEMA
    assert (await admin.get(path)).json() == added
    changed = (await admin.patch(path, json={"description": "What time it is."})).json()
    assert changed["description"] == "What time it is."
    assert changed["input_schema"] == PLACE_SCHEMA
    assert (await admin.delete(path)).status_code == 204
    assert (await admin.get(path)).status_code == 404


async def test_default_schema_is_that_of_the_function(admin: Client, make: Make) -> None:
    reminder = await make("tools", name="create_reminder", tool_type="reminder")
    call = await make("tools", name="list_events", tool_type="rest", http_call=HTTP_CALL)

    assert reminder["input_schema"]["required"] == ["text"]
    assert {"text", "at", "in_seconds", "cron"} <= set(reminder["input_schema"]["properties"])
    assert call["input_schema"] == {"type": "object", "properties": {}}


async def test_null_restores_the_default_schema(admin: Client, make: Make) -> None:
    tool = await make("tools", input_schema=PLACE_SCHEMA)
    plain = await make("tools")

    changed = await admin.patch(f"/tools/{tool['id']}", json={"input_schema": None})

    assert changed.json()["input_schema"] == plain["input_schema"]


async def test_schema_order_is_preserved(admin: Client, make: Make) -> None:
    """The prompt must stay the same byte for byte for the provider's cache."""
    schema = {"type": "object", "properties": {"z": {}, "a": {}, "mm": {}}, "required": ["z"]}
    rest = {"tool_type": "rest", "http_call": HTTP_CALL}
    tool = await make("tools", name="f", **rest, input_schema=schema)

    read = (await admin.get(f"/tools/{tool['id']}")).text

    assert json.dumps(schema, separators=(",", ":")) in read


async def test_older_clients_send_the_schema_as_text(make: Make) -> None:
    tool = await make("tools", input_schema=json.dumps(PLACE_SCHEMA))

    assert tool["input_schema"] == PLACE_SCHEMA


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"type": "object", "properties": {"place": {"type": "sting"}}}, "$.properties.place.type"),
        ({"type": "object", "properties": []}, "$.properties"),
        ({"type": "object", "properties": {"place": {"pattern": "("}}}, "$.properties.place"),
        ({"type": "string"}, '"type": "object"'),
        ({}, '"type": "object"'),
        ({"type": "object", "description": "x" * 9000}, "at most 8192"),
        (make_nested_schema(40), "nested deeper than 20"),
        ({"type": "object", "title": "\0"}, "NUL"),
        ({"type": "object", "$ref": "#/nowhere"}, "at $.$ref: '#/nowhere'"),
        ({"type": "object", "$ref": "https://api.example/x.json"}, "within itself at $.$ref"),
        ({"type": "object", "$ref": "#"}, "without end at $."),
        ({"type": "object", "$schema": "http://json-schema.org/draft-04/schema#"}, "$.$schema"),
        ({"type": "object", "properties": {"place": {"pattern": "(?!a)"}}}, "place.pattern: look"),
        ({"type": "object", "properties": {"zone": {}}}, "takes no argument 'zone'"),
    ],
)
async def test_a_schema_is_refused_with_the_reason(
    admin: Client, schema: JsonObject, reason: str
) -> None:
    body = {"name": "clock", "tool_type": "time", "description": "x", "input_schema": schema}
    answer = await admin.post("/tools", json=body)

    assert answer.status_code == 400, answer.text
    assert reason in answer.json()["detail"]


@pytest.mark.parametrize(
    "text", ["{", "[]", "7", "[" * 100_000, '{"type": NaN}', '{"a": "\\ud800"}']
)
async def test_invalid_schema_text_is_refused(admin: Client, text: str) -> None:
    body = {"name": "clock", "tool_type": "time", "description": "x", "input_schema": text}
    answer = await admin.post("/tools", json=body)

    assert answer.status_code in (400, 422), answer.text
    assert "input_schema" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"type": "object", "properties": {"at": {}}}, "must have it in $.properties"),
        ({"type": "object", "properties": {"text": {}}}, "must have it in $.required"),
    ],
)
async def test_arguments_the_function_needs_must_be_required(
    admin: Client, schema: JsonObject, reason: str
) -> None:
    body = {"name": "create_reminder", "tool_type": "reminder", "description": "x"}
    answer = await admin.post("/tools", json=body | {"input_schema": schema})

    assert answer.status_code == 400
    assert "'text'" in answer.json()["detail"]
    assert reason in answer.json()["detail"]


async def test_a_schema_may_offer_less_than_the_function_takes(make: Make) -> None:
    schema = {
        "type": "object",
        "properties": {"text": {"type": "string"}, "at": {"type": "string"}},
        "required": ["text", "at"],
    }
    await make("tools", name="create_reminder", tool_type="reminder", input_schema=schema)


async def test_an_unknown_function_is_refused_with_the_known_ones(admin: Client) -> None:
    body = {"name": "foo", "tool_type": "reminder", "description": "x"}
    answer = await admin.post("/tools", json=body)

    assert answer.status_code == 400
    assert "'foo'" in answer.json()["detail"]
    assert "create_reminder" in answer.json()["detail"]


class TestCalendarType:
    async def test_calendar_tool_is_refused(self, admin: Client) -> None:
        body = {"name": "list_events", "tool_type": "calendar", "description": "x"}
        refused = await admin.post("/tools", json=body)

        assert refused.status_code == 409
        assert "calendar do not work yet. Use another tool_type" in refused.json()["detail"]
        assert await list_items(admin, "/tools") == []

    async def test_tool_cannot_become_a_calendar_tool(self, admin: Client, make: Make) -> None:
        tool = await make("tools")
        refused = await admin.patch(f"/tools/{tool['id']}", json={"tool_type": "calendar"})

        assert refused.status_code == 409
        assert (await admin.get(f"/tools/{tool['id']}")).json() == tool

    async def test_existing_calendar_tool_cannot_be_activated(
        self, admin: Client, make: Make, sql: Sql
    ) -> None:
        tool = await make("tools", is_active=False)
        await sql("UPDATE tools SET tool_type = 'calendar'")
        refused = await admin.patch(f"/tools/{tool['id']}", json={"is_active": True})

        assert refused.status_code == 409
        assert "do not work yet" in refused.json()["detail"]


async def test_effect_class_follows_from_the_tool(make: Make) -> None:
    classes = {
        name: (await make("tools", name=name, tool_type=tool_type))["effect_class"]
        for name, tool_type in (
            ("clock", "time"),
            ("create_task", "reminder"),
            ("rain", "weather"),
        )
    }
    call = {"tool_type": "rest", "http_call": HTTP_CALL}
    classes["call"] = (await make("tools", name="call", **call))["effect_class"]

    assert classes == {
        "clock": "none",
        "create_task": "writes",
        "rain": "reads_outside",
        "call": "writes",
    }


async def test_only_reading_tools_can_be_cached(admin: Client, make: Make) -> None:
    rain = await make("tools", name="rain", tool_type="weather", cache_seconds=600)
    assert rain["cache_seconds"] == 600

    body = {"name": "create_task", "tool_type": "reminder", "description": "x", "cache_seconds": 1}
    refused = await admin.post("/tools", json=body)
    assert refused.status_code == 400
    assert "create_task writes" in refused.json()["detail"]


async def test_a_change_is_checked_like_a_new_tool(admin: Client, make: Make) -> None:
    tool = await make("tools", name="create_reminder", tool_type="reminder")

    for change in (
        {"name": "foo"},
        {"input_schema": PLACE_SCHEMA},
        {"tool_type": "time", "name": "a b"},
    ):
        answer = await admin.patch(f"/tools/{tool['id']}", json=change)
        assert answer.status_code in (400, 422), change
    assert (await admin.get(f"/tools/{tool['id']}")).json() == tool


@pytest.mark.parametrize("name", ["", "a b", "имя", "x" * 65, "a.b", None])
async def test_a_name_must_suit_every_provider(admin: Client, name: Any) -> None:
    body = {"name": name, "tool_type": "time", "description": "x"}

    assert (await admin.post("/tools", json=body)).status_code == 422


async def test_names_are_unique(admin: Client, make: Make) -> None:
    clock, other = await make("tools"), await make("tools")
    body = {"name": clock["name"], "tool_type": "time", "description": "x"}

    assert (await admin.post("/tools", json=body)).status_code == 409
    renamed = await admin.patch(f"/tools/{other['id']}", json={"name": clock["name"]})
    assert renamed.status_code == 409


async def test_tool_of_an_assistant_cannot_be_deleted(admin: Client, make: Make) -> None:
    poet, tool = await make("assistants"), await make("tools")
    link = (await admin.post(f"/assistants/{poet['id']}/tools/{tool['id']}")).json()

    refused = await admin.delete(f"/tools/{tool['id']}")
    assert refused.status_code == 409
    reason = f"{tool['name']} is in use; assistants that have it: {poet['name']}."
    assert refused.json()["detail"] == reason

    await admin.patch(f"/assistant-tools/{link['id']}", json={"is_active": False})
    assert (await admin.delete(f"/tools/{tool['id']}")).status_code == 204


async def test_only_sub_assistant_tools_have_an_assistant(admin: Client, make: Make) -> None:
    poet = await make("assistants")
    body = {"name": "clock", "tool_type": "time", "description": "x", "assistant_id": poet["id"]}

    assert (await admin.post("/tools", json=body)).status_code == 400
    unknown = body | {
        "tool_type": "sub_assistant",
        "assistant_id": body["assistant_id"][:-4] + "0000",
    }
    assert (await admin.post("/tools", json=unknown)).status_code == 404
