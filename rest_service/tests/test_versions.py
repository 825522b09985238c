"""Versions of assistants and tools: authors, contents, comparison."""

import asyncio
from uuid import uuid4

import pytest

from rest_service.app import defaults
from rest_service.app.database import SessionFactory
from rest_service.tests.api_helpers import Client, Make, list_items
from rest_service.tests.snapshot_helpers import read_stored_configuration
from rest_service.tests.version_helpers import attach_tool, list_versions, restore_version
from smart_kit.redis import Redis

LONG = "\n".join(f"Line {number} of what to do." for number in range(30))


class TestRecording:
    async def test_each_change_adds_a_version_with_its_author(
        self, admin: Client, make: Make, redis: Redis
    ) -> None:
        poet = await make("assistants", instructions="Rhyme.", temperature=0.5)
        headers = {"X-Correlation-Id": "change-2"}
        body = {"instructions": "Rhyme twice."}
        await admin.patch(f"/assistants/{poet['id']}", json=body, headers=headers)

        first, second = await list_versions(admin, poet)
        assert (first["number"], second["number"]) == (1, 2)
        assert (second["caller"], second["request_id"]) == ("admin", "change-2")
        assert first["content"]["instructions"] == "Rhyme."
        assert second["content"] == first["content"] | body
        assert second["content"].keys() == (poet.keys() - {"id", "created_at", "updated_at"}) | {
            "tools"
        }
        assert second["configuration_version"] == (await read_stored_configuration(redis)).version
        assert first["configuration_version"] < second["configuration_version"]
        assert first["restored_from"] is second["restored_from"] is None
        assert first["created_at"] < second["created_at"]
        response = await admin.get(f"/assistants/{poet['id']}/versions/1")
        assert response.json() == first

    async def test_no_op_change_adds_no_version(self, admin: Client, make: Make) -> None:
        poet, clock = await make("assistants"), await make("tools")
        await attach_tool(admin, poet, clock)
        await attach_tool(admin, poet, clock)
        await admin.patch(f"/assistants/{poet['id']}", json={"instructions": "Help."})
        await admin.patch(f"/tools/{clock['id']}", json={})

        assert len(await list_versions(admin, poet)) == 2
        assert len(await list_versions(admin, clock, "tools")) == 1

    async def test_refused_change_adds_no_version(self, admin: Client, make: Make) -> None:
        poet = await make("assistants")
        path = f"/assistants/{poet['id']}"

        assert (await admin.patch(path, json={"model": "unheard-of"})).status_code == 400

        assert len(await list_versions(admin, poet)) == 1

    async def test_link_change_adds_a_version_of_its_assistant(
        self, admin: Client, make: Make
    ) -> None:
        poet, clock = await make("assistants"), await make("tools")
        other = await make("assistants")
        await attach_tool(admin, poet, clock)
        (link,) = await list_items(admin, "/assistant-tools")
        await admin.put(f"/assistant-tools/{link['id']}", json={"is_active": False})
        await admin.delete(f"/assistant-tools/{link['id']}")

        linked = {"tool_id": clock["id"], "name": clock["name"], "sub_assistant_id": None}
        assert [item["content"]["tools"] for item in await list_versions(admin, poet)] == [
            [],
            [linked | {"is_active": True}],
            [linked | {"is_active": False}],
            [],
        ]
        assert (
            len(await list_versions(admin, other))
            == len(await list_versions(admin, clock, "tools"))
            == 1
        )

    async def test_deletion_adds_a_version_without_content(self, admin: Client, make: Make) -> None:
        poet, clock = await make("assistants"), await make("tools")
        body = {"assistant_id": poet["id"], "tool_id": clock["id"], "is_active": False}
        await admin.post("/assistant-tools", json=body)
        assert (await admin.delete(f"/tools/{clock['id']}")).status_code == 204
        assert (await admin.delete(f"/assistants/{poet['id']}")).status_code == 204

        stored_versions = [item["content"] for item in await list_versions(admin, poet)]
        assert [content and len(content["tools"]) for content in stored_versions] == [0, 1, 0, None]
        assert [item["content"] is None for item in await list_versions(admin, clock, "tools")] == [
            False,
            True,
        ]

    async def test_restored_schema_keeps_its_order(self, admin: Client, make: Make) -> None:
        turned = {"days": {"type": "integer"}, "place": {"type": "string"}}
        schema = {"type": "object", "properties": turned}
        tool = await make("tools", name="get_weather", tool_type="weather", input_schema=schema)
        path = f"/tools/{tool['id']}"
        await admin.patch(path, json={"input_schema": None})
        await restore_version(admin, tool, 1, "tools")

        read = (await admin.get(path)).json()["input_schema"]
        assert (list(read["properties"]), read) == (["days", "place"], schema)
        params = {"before": 1, "after": 2}
        compared = (await admin.get(f"{path}/versions/compare", params=params)).json()
        assert [item["field"] for item in compared["differences"]] == ["input_schema"]

    async def test_concurrent_changes_get_consecutive_numbers(
        self, admin: Client, make: Make
    ) -> None:
        poet = await make("assistants")
        path = f"/assistants/{poet['id']}"

        await asyncio.gather(
            *(admin.patch(path, json={"instructions": f"Help {n}."}) for n in range(8))
        )

        assert [item["number"] for item in await list_versions(admin, poet)] == list(range(1, 10))

    async def test_defaults_have_a_first_version_without_author(
        self, sessions: SessionFactory, admin: Client
    ) -> None:
        await asyncio.gather(*(defaults.create(sessions) for _ in range(2)))

        for resource in ("assistants", "tools"):
            for row in await list_items(admin, f"/{resource}"):
                (only,) = await list_versions(admin, row, resource)
                assert (only["number"], only["caller"], only["request_id"]) == (1, None, None)
                assert only["content"]["name"] == row["name"]

    async def test_unknown_record_or_version_is_not_found(self, admin: Client, make: Make) -> None:
        poet = await make("assistants")
        for path in (
            f"/assistants/{uuid4()}/versions",
            f"/tools/{poet['id']}/versions",
            f"/assistants/{poet['id']}/versions/2",
        ):
            assert (await admin.get(path)).status_code == 404


class TestComparison:
    async def test_comparison_lists_differing_fields_with_both_values(
        self, admin: Client, make: Make
    ) -> None:
        poet = await make("assistants", name="Poet", instructions=LONG)
        clock, calendar = await make("tools"), await make("tools")
        await attach_tool(admin, poet, calendar)
        body = {"instructions": LONG.replace("Line 7 ", "Row 7 "), "temperature": 0.2}
        await admin.patch(f"/assistants/{poet['id']}", json=body)
        await attach_tool(admin, poet, clock)
        (link,) = await list_items(admin, "/assistant-tools", tool_id=calendar["id"])
        await admin.patch(f"/assistant-tools/{link['id']}", json={"is_active": False})
        path = f"/assistants/{poet['id']}/versions/compare"

        compared = (await admin.get(path, params={"before": 2, "after": 5})).json()

        found = {item["field"]: item for item in compared["differences"]}
        assert list(found) == [
            "instructions",
            "temperature",
            f"tools.{calendar['name']}.is_active",
            f"tools.{clock['name']}",
        ]
        assert (found["temperature"]["before"], found["temperature"]["after"]) == (None, 0.2)
        assert found["temperature"]["lines"] == []
        assert "-Line 7 of what to do." in found["instructions"]["lines"]
        assert "+Row 7 of what to do." in found["instructions"]["lines"]
        assert len(found["instructions"]["lines"]) == 3 + 8, (
            "three lines of context, not the whole text"
        )
        assert found[f"tools.{clock['name']}"]["before"] is None
        assert (compared["before"], compared["after"]) == (2, 5)

        back = (await admin.get(path, params={"before": 5, "after": 2})).json()
        assert [item["before"] for item in back["differences"]] == [
            found[item["field"]]["after"] for item in back["differences"]
        ]

    async def test_comparison_with_a_deletion_lists_all_fields(
        self, admin: Client, make: Make
    ) -> None:
        poet = await make("assistants", name="Poet")
        await admin.delete(f"/assistants/{poet['id']}")
        path = f"/assistants/{poet['id']}/versions/compare"

        compared = (await admin.get(path, params={"before": 1, "after": 2})).json()

        new_values = {item["field"]: item["after"] for item in compared["differences"]}
        assert {"name", "instructions", "is_active"} <= new_values.keys()
        assert set(new_values.values()) == {None}

    async def test_renaming_a_tool_does_not_change_its_assistants(
        self, admin: Client, make: Make
    ) -> None:
        poet, writer = await make("assistants"), await make("assistants")
        ask = {"tool_type": "sub_assistant", "assistant_id": writer["id"]}
        tool = await make("tools", name="ask_writer", **ask)
        await attach_tool(admin, poet, tool)
        await admin.patch(f"/tools/{tool['id']}", json={"name": "ask_author"})
        await admin.patch(f"/assistants/{poet['id']}", json={"is_secretary": True})
        path = f"/assistants/{poet['id']}/versions/compare"

        compared = (await admin.get(path, params={"before": 2, "after": 3})).json()

        assert [item["field"] for item in compared["differences"]] == ["is_secretary"]

    @pytest.mark.parametrize(
        ("params", "status"),
        [
            ({"before": 1, "after": 9}, 404),
            ({"before": 1}, 422),
            ({"before": 0, "after": 1}, 422),
            ({"before": 1, "after": 1, "field": "name"}, 422),
        ],
    )
    async def test_both_versions_must_exist(
        self, admin: Client, make: Make, params: dict[str, int], status: int
    ) -> None:
        poet = await make("assistants")
        answer = await admin.get(f"/assistants/{poet['id']}/versions/compare", params=params)

        assert answer.status_code == status
