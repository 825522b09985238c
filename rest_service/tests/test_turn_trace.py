"""The trace of a turn: its steps, and the configuration of that time."""

from uuid import UUID

from rest_service.app.background.archive_consumer import ArchiveConsumer
from rest_service.tests.api_helpers import Client, JsonObject, Make, list_items
from rest_service.tests.snapshot_helpers import read_stored_configuration
from rest_service.tests.turn_records import ITEMS, add_records, make_turn_record
from smart_kit.contracts.base import utc_now
from smart_kit.contracts.threads import ModelFailure, StepRecord
from smart_kit.redis import Redis


async def read_trace(admin: Client, message_id: str = "tg:1:1") -> JsonObject:
    answer = await admin.get(f"/turns/{message_id}/trace")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_trace_contains_configuration_at_the_time(
    archive_reader: ArchiveConsumer, redis: Redis, admin: Client, make: Make
) -> None:
    clerk = await make("assistants", name="Clerk", instructions="Write.")
    writer = await make("assistants", name="Writer", instructions="Rhyme.")
    unused = await make("assistants", name="Unused")
    ask = {"tool_type": "sub_assistant", "assistant_id": writer["id"]}
    tools = [
        await make("tools", name="ask_writer", description="Writes.", **ask),
        await make("tools", name="get_time"),
        await make("tools", name="list_tasks", tool_type="reminder"),
        await make("tools", name="ask_unused", **ask | {"assistant_id": unused["id"]}),
    ]
    for tool in tools[:3]:
        await admin.post(f"/assistants/{clerk['id']}/tools/{tool['id']}")
    (link,) = await list_items(admin, "/assistant-tools", tool_id=tools[2]["id"])
    await admin.patch(f"/assistant-tools/{link['id']}", json={"is_active": False})
    await admin.patch(f"/assistants/{clerk['id']}", json={"instructions": "Write briefly."})
    then = (await read_stored_configuration(redis)).version

    await admin.patch(f"/assistants/{clerk['id']}", json={"instructions": "Draw."})
    await admin.patch(f"/tools/{tools[0]['id']}", json={"name": "ask_author"})
    await admin.delete(f"/assistants/{clerk['id']}/tools/{tools[1]['id']}")
    failed = ModelFailure(model="sol", provider="second", reason="HTTP 500", seconds=0.5)
    steps = (
        StepRecord(
            step="0",
            kind="model",
            name="luna",
            provider="first",
            assistant_id=clerk["id"],
            cost="0.002",
            failures=(failed,),
            started_at=utc_now(),
            seconds=1.5,
        ),
        StepRecord(step="0.0", kind="tool", name="ask_writer", arguments={"message": "An ode"}),
        StepRecord(step="0.0.0", kind="model", name="luna", assistant_id=writer["id"]),
    )
    ends = {"assistant_id": UUID(clerk["id"]), "configuration_version": then}
    await add_records(redis, make_turn_record(steps=steps, **ends))
    await archive_reader.run_once(0.01)

    trace = await read_trace(admin)

    assistants = {item["name"]: item for item in trace["assistants"]}
    assert assistants.keys() == {"Clerk", "Writer"}
    assert (
        assistants["Clerk"].items()
        >= {
            "id": clerk["id"],
            "number": 6,
            "model": None,
            "instructions": "Write briefly.",
        }.items()
    )
    assert [(item["name"], item["number"], item["was_called"]) for item in trace["tools"]] == [
        ("ask_writer", 1, True),
        ("get_time", 1, False),
    ]
    assert trace["tools"][0]["description"] == "Writes."
    assert trace["turn"] == (await admin.get("/turns/tg:1:1")).json()
    first = trace["turn"]["steps"][0]
    assert first["failures"] == [failed.model_dump()]
    assert (first["provider"], first["cost"], first["seconds"]) == ("first", "0.002", 1.5)
    assert trace["turn"]["steps"][1]["arguments"] == {"message": "An ode"}
    assert [item["payload"] for item in trace["messages"]] == list(ITEMS)


async def test_trace_contains_assistants_deleted_since(
    archive_reader: ArchiveConsumer, redis: Redis, admin: Client, make: Make
) -> None:
    poet = await make("assistants", name="Poet")
    then = (await read_stored_configuration(redis)).version
    await admin.delete(f"/assistants/{poet['id']}")
    ends = {"assistant_id": UUID(poet["id"]), "configuration_version": then}
    await add_records(redis, make_turn_record(**ends))
    await archive_reader.run_once(0.01)

    assert [item["name"] for item in (await read_trace(admin))["assistants"]] == ["Poet"]


async def test_trace_without_versions_contains_only_steps(
    archive_reader: ArchiveConsumer, redis: Redis, admin: Client
) -> None:
    await add_records(redis, make_turn_record())
    await archive_reader.run_once(0.01)

    trace = await read_trace(admin)

    assert trace["assistants"] == trace["tools"] == []
    assert len(trace["turn"]["steps"]) == 3


async def test_trace_of_unarchived_turn_is_not_found(admin: Client) -> None:
    assert (await admin.get("/turns/tg:1:1/trace")).status_code == 404
