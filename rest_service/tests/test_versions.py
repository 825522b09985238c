"""Every version of assistants and tools: who made it, what it was; compared, and put back."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from alembic.script import ScriptDirectory

from rest_service.app import defaults
from rest_service.app.database import Sessions
from rest_service.tests.api_helpers import Client, JsonObject, Make, Sql, alembic_config, listed
from rest_service.tests.snapshot_helpers import stored_configuration
from smart_kit.redis import Redis

LONG = "\n".join(f"Line {number} of what to do." for number in range(30))


async def versions(
    admin: Client, row: JsonObject, resource: str = "assistants"
) -> list[JsonObject]:
    """From the first on."""
    return (await listed(admin, f"/{resource}/{row['id']}/versions"))[::-1]


async def restore(
    admin: Client, row: JsonObject, number: int, resource: str = "assistants"
) -> JsonObject:
    answer = await admin.post(f"/{resource}/{row['id']}/versions/{number}/restore")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def give(admin: Client, assistant: JsonObject, tool: JsonObject) -> None:
    answer = await admin.post(f"/assistants/{assistant['id']}/tools/{tool['id']}")
    assert answer.status_code == 201, answer.text


class TestRecorded:
    async def test_each_change_is_one_version_with_who_when_and_what(
        self, admin: Client, make: Make, redis: Redis
    ) -> None:
        poet = await make("assistants", instructions="Rhyme.", temperature=0.5)
        headers = {"X-Correlation-Id": "change-2"}
        body = {"instructions": "Rhyme twice."}
        await admin.patch(f"/assistants/{poet['id']}", json=body, headers=headers)

        first, second = await versions(admin, poet)
        assert (first["number"], second["number"]) == (1, 2)
        assert (second["caller"], second["request_id"]) == ("admin", "change-2")
        assert first["content"]["instructions"] == "Rhyme."
        assert second["content"] == first["content"] | body
        assert second["content"].keys() == (poet.keys() - {"id", "created_at", "updated_at"}) | {
            "tools"
        }
        assert second["configuration_version"] == (await stored_configuration(redis)).version
        assert first["configuration_version"] < second["configuration_version"]
        assert first["restored_from"] is second["restored_from"] is None
        assert first["created_at"] < second["created_at"]
        one = await admin.get(f"/assistants/{poet['id']}/versions/1")
        assert one.json() == first

    async def test_what_changes_nothing_is_none(self, admin: Client, make: Make) -> None:
        poet, clock = await make("assistants"), await make("tools")
        await give(admin, poet, clock)
        await give(admin, poet, clock)
        await admin.patch(f"/assistants/{poet['id']}", json={"instructions": "Help."})
        await admin.patch(f"/tools/{clock['id']}", json={})

        assert len(await versions(admin, poet)) == 2
        assert len(await versions(admin, clock, "tools")) == 1

    async def test_a_refused_change_is_none(self, admin: Client, make: Make) -> None:
        poet = await make("assistants")
        path = f"/assistants/{poet['id']}"

        assert (await admin.patch(path, json={"model": "unheard-of"})).status_code == 400

        assert len(await versions(admin, poet)) == 1

    async def test_a_link_is_its_assistants_change(self, admin: Client, make: Make) -> None:
        poet, clock = await make("assistants"), await make("tools")
        other = await make("assistants")
        await give(admin, poet, clock)
        (link,) = await listed(admin, "/assistant-tools")
        await admin.put(f"/assistant-tools/{link['id']}", json={"is_active": False})
        await admin.delete(f"/assistant-tools/{link['id']}")

        linked = {"tool_id": clock["id"], "name": clock["name"], "sub_assistant_id": None}
        assert [one["content"]["tools"] for one in await versions(admin, poet)] == [
            [],
            [linked | {"is_active": True}],
            [linked | {"is_active": False}],
            [],
        ]
        assert len(await versions(admin, other)) == len(await versions(admin, clock, "tools")) == 1

    async def test_a_deletion_is_one_without_content_and_takes_the_links_with_it(
        self, admin: Client, make: Make
    ) -> None:
        poet, clock = await make("assistants"), await make("tools")
        body = {"assistant_id": poet["id"], "tool_id": clock["id"], "is_active": False}
        await admin.post("/assistant-tools", json=body)
        assert (await admin.delete(f"/tools/{clock['id']}")).status_code == 204
        assert (await admin.delete(f"/assistants/{poet['id']}")).status_code == 204

        kept = [one["content"] for one in await versions(admin, poet)]
        assert [content and len(content["tools"]) for content in kept] == [0, 1, 0, None]
        assert [one["content"] is None for one in await versions(admin, clock, "tools")] == [
            False,
            True,
        ]

    async def test_a_schema_keeps_the_order_of_its_writer(self, admin: Client, make: Make) -> None:
        turned = {"days": {"type": "integer"}, "place": {"type": "string"}}
        schema = {"type": "object", "properties": turned}
        tool = await make("tools", name="get_weather", tool_type="weather", input_schema=schema)
        path = f"/tools/{tool['id']}"
        await admin.patch(path, json={"input_schema": None})
        await restore(admin, tool, 1, "tools")

        read = (await admin.get(path)).json()["input_schema"]
        assert (list(read["properties"]), read) == (["days", "place"], schema)
        params = {"before": 1, "after": 2}
        compared = (await admin.get(f"{path}/versions/compare", params=params)).json()
        assert [one["field"] for one in compared["differences"]] == ["input_schema"]

    async def test_changes_at_once_are_counted_one_by_one(self, admin: Client, make: Make) -> None:
        poet = await make("assistants")
        path = f"/assistants/{poet['id']}"

        await asyncio.gather(
            *(admin.patch(path, json={"instructions": f"Help {n}."}) for n in range(8))
        )

        assert [one["number"] for one in await versions(admin, poet)] == list(range(1, 10))

    async def test_the_defaults_have_a_first_version_by_nobody(
        self, sessions: Sessions, admin: Client
    ) -> None:
        await asyncio.gather(*(defaults.create(sessions) for _ in range(2)))

        for resource in ("assistants", "tools"):
            for row in await listed(admin, f"/{resource}"):
                (only,) = await versions(admin, row, resource)
                assert (only["number"], only["caller"], only["request_id"]) == (1, None, None)
                assert only["content"]["name"] == row["name"]

    async def test_what_was_there_before_is_version_1_and_reads_as_a_new_one_does(
        self, admin: Client, make: Make, sql: Sql
    ) -> None:
        """The migration writes what the service would write."""
        migration: Any = ScriptDirectory.from_config(alembic_config("")).get_revision("0007").module
        poet, clerk = await make("assistants"), await make("assistants", temperature=1.5)
        schema = {"type": "object", "properties": {"place": {"type": "string"}}}
        tools = [
            await make("tools", name="get_weather", tool_type="weather", input_schema=schema),
            await make("tools", name="ask", tool_type="sub_assistant", assistant_id=poet["id"]),
        ]
        for tool in tools:
            await give(admin, clerk, tool)
        rows = [("assistants", poet), ("assistants", clerk), *(("tools", one) for one in tools)]
        by_service = [(await versions(admin, row, kind))[-1]["content"] for kind, row in rows]

        await sql("TRUNCATE versions")
        await sql(migration.FIRST_VERSIONS_OF_ASSISTANTS)
        await sql(migration.FIRST_VERSIONS_OF_TOOLS)

        by_migration = [await versions(admin, row, kind) for kind, row in rows]
        assert [[one["content"] for one in found] for found in by_migration] == [
            [content] for content in by_service
        ]
        await admin.patch(f"/assistants/{clerk['id']}", json={"name": "Clerk"})
        assert [one["number"] for one in await versions(admin, clerk)] == [1, 2]

    async def test_what_was_never_there_has_none(self, admin: Client, make: Make) -> None:
        poet = await make("assistants")
        for path in (
            f"/assistants/{uuid4()}/versions",
            f"/tools/{poet['id']}/versions",
            f"/assistants/{poet['id']}/versions/2",
        ):
            assert (await admin.get(path)).status_code == 404


class TestCompared:
    async def test_each_field_that_differs_is_told_with_both_values(
        self, admin: Client, make: Make
    ) -> None:
        poet = await make("assistants", name="Poet", instructions=LONG)
        clock, calendar = await make("tools"), await make("tools")
        await give(admin, poet, calendar)
        body = {"instructions": LONG.replace("Line 7 ", "Row 7 "), "temperature": 0.2}
        await admin.patch(f"/assistants/{poet['id']}", json=body)
        await give(admin, poet, clock)
        (link,) = await listed(admin, "/assistant-tools", tool_id=calendar["id"])
        await admin.patch(f"/assistant-tools/{link['id']}", json={"is_active": False})
        path = f"/assistants/{poet['id']}/versions/compare"

        compared = (await admin.get(path, params={"before": 2, "after": 5})).json()

        found = {one["field"]: one for one in compared["differences"]}
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
        assert len(found["instructions"]["lines"]) == 3 + 8, "three lines around, not all"
        assert found[f"tools.{clock['name']}"]["before"] is None
        assert (compared["before"], compared["after"]) == (2, 5)

        back = (await admin.get(path, params={"before": 5, "after": 2})).json()
        assert [one["before"] for one in back["differences"]] == [
            found[one["field"]]["after"] for one in back["differences"]
        ]

    async def test_a_deletion_differs_in_all_that_was_there(
        self, admin: Client, make: Make
    ) -> None:
        poet = await make("assistants", name="Poet")
        await admin.delete(f"/assistants/{poet['id']}")
        path = f"/assistants/{poet['id']}/versions/compare"

        compared = (await admin.get(path, params={"before": 1, "after": 2})).json()

        told = {one["field"]: one["after"] for one in compared["differences"]}
        assert {"name", "instructions", "is_active"} <= told.keys()
        assert set(told.values()) == {None}

    async def test_a_tools_new_name_is_no_change_of_who_has_it(
        self, admin: Client, make: Make
    ) -> None:
        poet, writer = await make("assistants"), await make("assistants")
        ask = {"tool_type": "sub_assistant", "assistant_id": writer["id"]}
        tool = await make("tools", name="ask_writer", **ask)
        await give(admin, poet, tool)
        await admin.patch(f"/tools/{tool['id']}", json={"name": "ask_author"})
        await admin.patch(f"/assistants/{poet['id']}", json={"is_secretary": True})
        path = f"/assistants/{poet['id']}/versions/compare"

        compared = (await admin.get(path, params={"before": 2, "after": 3})).json()

        assert [one["field"] for one in compared["differences"]] == ["is_secretary"]

    @pytest.mark.parametrize(
        ("params", "status"),
        [
            ({"before": 1, "after": 9}, 404),
            ({"before": 1}, 422),
            ({"before": 0, "after": 1}, 422),
            ({"before": 1, "after": 1, "field": "name"}, 422),
        ],
    )
    async def test_both_must_be_there(
        self, admin: Client, make: Make, params: dict[str, int], status: int
    ) -> None:
        poet = await make("assistants")
        answer = await admin.get(f"/assistants/{poet['id']}/versions/compare", params=params)

        assert answer.status_code == status


class TestRestored:
    async def test_an_assistant_is_what_it_was_with_its_links(
        self, admin: Client, make: Make, redis: Redis
    ) -> None:
        poet, novelist = await make("assistants"), await make("assistants")
        ask = await make("tools", name="ask", tool_type="sub_assistant", assistant_id=poet["id"])
        clock = await make("tools", name="get_time")
        clerk = await make("assistants", name="Clerk", instructions="Write.", temperature=0.3)
        body = {"assistant_id": clerk["id"], "tool_id": ask["id"]}
        await admin.post("/assistant-tools", json=body | {"sub_assistant_id": novelist["id"]})
        was = (await versions(admin, clerk))[-1]
        (link,) = await listed(admin, "/assistant-tools", assistant_id=clerk["id"])
        await admin.patch(f"/assistant-tools/{link['id']}", json={"sub_assistant_id": None})
        await give(admin, clerk, clock)
        changed = {"name": "Scribe", "instructions": "Draw.", "temperature": None}
        await admin.patch(f"/assistants/{clerk['id']}", json=changed)

        now = await restore(admin, clerk, was["number"])

        assert now["content"] == was["content"]
        assert (now["number"], now["restored_from"], now["caller"]) == (6, 2, "admin")
        read = (await admin.get(f"/assistants/{clerk['id']}")).json()
        assert (
            read.items() >= {"name": "Clerk", "instructions": "Write.", "temperature": 0.3}.items()
        )
        links = await listed(admin, "/assistant-tools", assistant_id=clerk["id"])
        assert [(one["id"], one["sub_assistant_id"]) for one in links] == [
            (link["id"], novelist["id"])
        ]
        kept = {one.name: one for one in (await stored_configuration(redis)).assistants}
        assert kept["Clerk"].instructions == "Write."
        (entry,) = await listed(admin, "/audit", action="restore_assistant")
        assert (entry["object_id"], entry["status"]) == (clerk["id"], 200)

    async def test_what_is_so_already_stays_the_version_that_it_is(
        self, admin: Client, make: Make
    ) -> None:
        poet = await make("assistants")

        assert (await restore(admin, poet, 1))["number"] == 1
        assert len(await versions(admin, poet)) == 1

    async def test_what_was_deleted_comes_back_under_its_id(
        self, admin: Client, make: Make
    ) -> None:
        writer = await make("assistants", name="Writer")
        ask = await make("tools", name="ask", tool_type="sub_assistant", assistant_id=writer["id"])
        clerk = await make("assistants", name="Clerk", is_secretary=True)
        other = await make("assistants", is_secretary=True)
        await admin.patch(f"/assistants/{clerk['id']}", json={"is_secretary": False})
        await give(admin, clerk, ask)
        (link,) = await listed(admin, "/assistant-tools")
        await admin.patch(f"/assistant-tools/{link['id']}", json={"is_active": False})
        for path in (f"/assistants/{clerk['id']}", f"/tools/{ask['id']}"):
            assert (await admin.delete(path)).status_code == 204
        assert (await admin.delete(f"/assistants/{writer['id']}")).status_code == 204

        async def refusal(path: str) -> str:
            answer = await admin.post(path)
            assert answer.status_code == 409, answer.text
            return str(answer.json()["detail"])

        assert "tool 'ask' is gone" in await refusal(
            f"/assistants/{clerk['id']}/versions/3/restore"
        )
        assert "assistant 'Writer' is gone" in await refusal(
            f"/tools/{ask['id']}/versions/1/restore"
        )
        assert "deletion" in await refusal(f"/tools/{ask['id']}/versions/2/restore")
        await restore(admin, writer, 1)
        await restore(admin, ask, 1, "tools")
        await restore(admin, clerk, 3)

        for kind, row in (("assistants", clerk), ("assistants", writer), ("tools", ask)):
            read = (await admin.get(f"/{kind}/{row['id']}")).json()
            assert (read["id"], read["name"]) == (row["id"], row["name"])
        (brought_back,) = await listed(admin, "/assistant-tools")
        assert brought_back["assistant_id"] == clerk["id"]
        assert (await versions(admin, clerk))[-1]["restored_from"] == 3
        assert other["is_secretary"]

    async def test_a_model_that_is_gone_is_named(self, admin: Client, make: Make) -> None:
        provider = await make("providers")
        names = ["left", "right"]
        left, right = [
            await make("models", provider_id=provider["id"], provider_model_name=n) for n in names
        ]
        poet = await make("assistants", model="left", fallback_models=["right"])
        await admin.patch(f"/assistants/{poet['id']}", json={"fallback_models": None})
        await admin.patch(f"/assistants/{poet['id']}", json={"model": None})
        assert (await admin.delete(f"/models/{right['id']}")).status_code == 204
        path = f"/assistants/{poet['id']}/versions"

        answer = await admin.post(f"{path}/1/restore")
        assert (answer.status_code, "'right' is gone" in answer.text) == (409, True)
        assert (await admin.get(f"/assistants/{poet['id']}")).json()["model"] is None
        assert (await admin.post(f"{path}/2/restore")).json()["content"]["model"] == "left"
        assert left["provider_model_name"] == "left"

    async def test_a_name_that_another_has_taken_is_a_conflict(
        self, admin: Client, make: Make
    ) -> None:
        poet = await make("assistants", name="Poet")
        await admin.delete(f"/assistants/{poet['id']}")
        await make("assistants", name="Poet")

        answer = await admin.post(f"/assistants/{poet['id']}/versions/1/restore")

        assert (answer.status_code, "'Poet'" in answer.text) == (409, True)
        assert (await admin.get(f"/assistants/{poet['id']}")).status_code == 404

    async def test_it_comes_back_also_where_others_are_called_by_its_id(
        self, admin: Client, make: Make
    ) -> None:
        poet, clock = await make("assistants", name="Poet"), await make("tools", name="get_time")
        for kind, row in (("assistants", poet), ("tools", clock)):
            assert (await admin.delete(f"/{kind}/{row['id']}")).status_code == 204
            await make(kind, name=row["id"])
            assert (await restore(admin, row, 1, kind))["content"]["name"] == row["name"]

    async def test_the_last_secretary_stays_one(self, admin: Client, make: Make) -> None:
        poet = await make("assistants")
        await admin.patch(f"/assistants/{poet['id']}", json={"is_secretary": True})

        answer = await admin.post(f"/assistants/{poet['id']}/versions/1/restore")

        assert answer.status_code == 409

    async def test_what_is_no_longer_valid_is_a_conflict_that_names_the_field(
        self, admin: Client, make: Make, sql: Sql
    ) -> None:
        poet = await make("assistants")
        changed = "jsonb_set(content::jsonb, '{temperature}', '9')::json"
        await sql(f"UPDATE versions SET content = {changed}")

        answer = await admin.post(f"/assistants/{poet['id']}/versions/1/restore")

        assert (answer.status_code, "temperature" in answer.text) == (409, True)


class TestCircles:
    """However a circle of sub-assistants would be closed, it is refused and named."""

    @pytest.fixture
    async def circle(self, admin: Client, make: Make) -> dict[str, Any]:
        """A asks B; B would ask A by a tool that is not active."""
        a, b = await make("assistants", name="A"), await make("assistants", name="B")
        kind = {"tool_type": "sub_assistant"}
        there = await make("tools", name="there", **kind, assistant_id=b["id"])
        back = await make("tools", name="back", **kind, assistant_id=a["id"], is_active=False)
        await give(admin, a, there)
        await give(admin, b, back)
        return {"a": a, "b": b, "there": there, "back": back}

    async def refused(self, admin: Client, method: str, path: str, body: Any = None) -> None:
        answer = await admin.request(method, path, json=body)
        assert answer.status_code == 400, answer.text
        detail = answer.json()["detail"]
        assert "A asks B asks A" in detail or "B asks A asks B" in detail

    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    async def test_by_a_tool_that_becomes_active(
        self, admin: Client, circle: dict[str, Any], method: str
    ) -> None:
        await self.refused(admin, method, f"/tools/{circle['back']['id']}", {"is_active": True})

    async def test_by_somebody_who_becomes_active(
        self, admin: Client, make: Make, circle: dict[str, Any]
    ) -> None:
        """What asks is looked at while it is not active, too."""
        await admin.patch(f"/assistants/{circle['b']['id']}", json={"is_active": False})

        await self.refused(admin, "PATCH", f"/tools/{circle['back']['id']}", {"is_active": True})

    async def test_by_whom_a_link_asks(self, admin: Client, circle: dict[str, Any]) -> None:
        back = f"/tools/{circle['back']['id']}"
        changed = {"assistant_id": None, "is_active": False}
        assert (await admin.patch(back, json=changed)).status_code == 200
        (link,) = await listed(admin, "/assistant-tools", tool_id=circle["back"]["id"])
        path = f"/assistant-tools/{link['id']}"
        body = {"sub_assistant_id": circle["a"]["id"]}
        assert (await admin.put(path, json=body)).status_code == 200, "it is not active"

        await self.refused(admin, "PUT", back, {"is_active": True})

    async def test_by_a_version_of_a_tool(self, admin: Client, circle: dict[str, Any]) -> None:
        a, b, back = circle["a"], circle["b"], circle["back"]
        await admin.delete(f"/assistants/{b['id']}/tools/{back['id']}")
        await admin.patch(f"/tools/{back['id']}", json={"is_active": True})
        await admin.patch(f"/tools/{back['id']}", json={"is_active": False})
        await give(admin, b, back)

        await self.refused(admin, "POST", f"/tools/{back['id']}/versions/2/restore")
        assert len(await versions(admin, back, "tools")) == 3
        assert a["name"] == "A"

    async def test_by_a_version_of_an_assistant(
        self, admin: Client, circle: dict[str, Any]
    ) -> None:
        b, back = circle["b"], circle["back"]
        await admin.delete(f"/assistants/{b['id']}/tools/{back['id']}")
        await admin.patch(f"/tools/{back['id']}", json={"is_active": True})

        await self.refused(admin, "POST", f"/assistants/{b['id']}/versions/2/restore")
        assert [one["content"]["tools"] == [] for one in await versions(admin, b)] == [
            True,
            False,
            True,
        ]

    async def test_by_a_tool_that_becomes_one_that_asks(
        self, admin: Client, make: Make, circle: dict[str, Any]
    ) -> None:
        clock = await make("tools", name="get_time")
        await give(admin, circle["b"], clock)
        body = {"name": "other", "tool_type": "sub_assistant", "assistant_id": circle["a"]["id"]}

        await self.refused(admin, "PUT", f"/tools/{clock['id']}", body)

    async def test_by_two_administrators_at_once(
        self, admin: Client, circle: dict[str, Any]
    ) -> None:
        """Neither change closes it alone."""
        a, there, back = circle["a"], circle["there"], circle["back"]
        for tool in (there, back):
            await admin.patch(f"/tools/{tool['id']}", json={"is_active": False})
        for _ in range(5):
            answers = await asyncio.gather(
                *(
                    admin.patch(f"/tools/{tool['id']}", json={"is_active": True})
                    for tool in (there, back)
                )
            )
            assert sorted(answer.status_code for answer in answers) == [200, 400]
            for tool in (there, back):
                await admin.patch(f"/tools/{tool['id']}", json={"is_active": False})
        assert await listed(admin, "/assistant-tools", assistant_id=a["id"])
