"""Restoring versions of assistants and tools."""

from rest_service.tests.api_helpers import Client, Make, Sql, list_items
from rest_service.tests.snapshot_helpers import read_stored_configuration
from rest_service.tests.version_helpers import attach_tool, list_versions, restore_version
from smart_kit.redis import Redis


class TestRestore:
    async def test_restore_reverts_an_assistant_with_its_links(
        self, admin: Client, make: Make, redis: Redis
    ) -> None:
        poet, novelist = await make("assistants"), await make("assistants")
        ask = await make("tools", name="ask", tool_type="sub_assistant", assistant_id=poet["id"])
        clock = await make("tools", name="get_time")
        clerk = await make("assistants", name="Clerk", instructions="Write.", temperature=0.3)
        body = {"assistant_id": clerk["id"], "tool_id": ask["id"]}
        await admin.post("/assistant-tools", json=body | {"sub_assistant_id": novelist["id"]})
        was = (await list_versions(admin, clerk))[-1]
        (link,) = await list_items(admin, "/assistant-tools", assistant_id=clerk["id"])
        await admin.patch(f"/assistant-tools/{link['id']}", json={"sub_assistant_id": None})
        await attach_tool(admin, clerk, clock)
        changed = {"name": "Scribe", "instructions": "Draw.", "temperature": None}
        await admin.patch(f"/assistants/{clerk['id']}", json=changed)

        now = await restore_version(admin, clerk, was["number"])

        assert now["content"] == was["content"]
        assert (now["number"], now["restored_from"], now["caller"]) == (6, 2, "admin")
        read = (await admin.get(f"/assistants/{clerk['id']}")).json()
        assert (
            read.items() >= {"name": "Clerk", "instructions": "Write.", "temperature": 0.3}.items()
        )
        links = await list_items(admin, "/assistant-tools", assistant_id=clerk["id"])
        assert [(item["id"], item["sub_assistant_id"]) for item in links] == [
            (link["id"], novelist["id"])
        ]
        stored = {item.name: item for item in (await read_stored_configuration(redis)).assistants}
        assert stored["Clerk"].instructions == "Write."
        (entry,) = await list_items(admin, "/audit", action="restore_assistant")
        assert (entry["object_id"], entry["status"]) == (clerk["id"], 200)

    async def test_restoring_the_current_version_adds_none(self, admin: Client, make: Make) -> None:
        poet = await make("assistants")

        assert (await restore_version(admin, poet, 1))["number"] == 1
        assert len(await list_versions(admin, poet)) == 1

    async def test_deleted_records_are_restored_under_their_ids(
        self, admin: Client, make: Make
    ) -> None:
        writer = await make("assistants", name="Writer")
        ask = await make("tools", name="ask", tool_type="sub_assistant", assistant_id=writer["id"])
        clerk = await make("assistants", name="Clerk", is_secretary=True)
        other = await make("assistants", is_secretary=True)
        await admin.patch(f"/assistants/{clerk['id']}", json={"is_secretary": False})
        await attach_tool(admin, clerk, ask)
        (link,) = await list_items(admin, "/assistant-tools")
        await admin.patch(f"/assistant-tools/{link['id']}", json={"is_active": False})
        for path in (f"/assistants/{clerk['id']}", f"/tools/{ask['id']}"):
            assert (await admin.delete(path)).status_code == 204
        assert (await admin.delete(f"/assistants/{writer['id']}")).status_code == 204

        async def post_refused(path: str) -> str:
            answer = await admin.post(path)
            assert answer.status_code == 409, answer.text
            return str(answer.json()["detail"])

        assert "tool 'ask' no longer exists" in await post_refused(
            f"/assistants/{clerk['id']}/versions/3/restore"
        )
        assert "assistant 'Writer' no longer exists" in await post_refused(
            f"/tools/{ask['id']}/versions/1/restore"
        )
        assert "deletion" in await post_refused(f"/tools/{ask['id']}/versions/2/restore")
        await restore_version(admin, writer, 1)
        await restore_version(admin, ask, 1, "tools")
        await restore_version(admin, clerk, 3)

        for kind, row in (("assistants", clerk), ("assistants", writer), ("tools", ask)):
            read = (await admin.get(f"/{kind}/{row['id']}")).json()
            assert (read["id"], read["name"]) == (row["id"], row["name"])
        (brought_back,) = await list_items(admin, "/assistant-tools")
        assert brought_back["assistant_id"] == clerk["id"]
        assert (await list_versions(admin, clerk))[-1]["restored_from"] == 3
        assert other["is_secretary"]

    async def test_restore_names_a_deleted_model(self, admin: Client, make: Make) -> None:
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
        assert (answer.status_code, "'right' no longer exists" in answer.text) == (409, True)
        assert (await admin.get(f"/assistants/{poet['id']}")).json()["model"] is None
        assert (await admin.post(f"{path}/2/restore")).json()["content"]["model"] == "left"
        assert left["provider_model_name"] == "left"

    async def test_taken_name_is_a_conflict(self, admin: Client, make: Make) -> None:
        poet = await make("assistants", name="Poet")
        await admin.delete(f"/assistants/{poet['id']}")
        await make("assistants", name="Poet")

        answer = await admin.post(f"/assistants/{poet['id']}/versions/1/restore")

        assert (answer.status_code, "'Poet'" in answer.text) == (409, True)
        assert (await admin.get(f"/assistants/{poet['id']}")).status_code == 404

    async def test_record_named_like_the_id_does_not_prevent_restore(
        self, admin: Client, make: Make
    ) -> None:
        poet, clock = await make("assistants", name="Poet"), await make("tools", name="get_time")
        for kind, row in (("assistants", poet), ("tools", clock)):
            assert (await admin.delete(f"/{kind}/{row['id']}")).status_code == 204
            await make(kind, name=row["id"])
            assert (await restore_version(admin, row, 1, kind))["content"]["name"] == row["name"]

    async def test_restore_cannot_remove_the_last_secretary(
        self, admin: Client, make: Make
    ) -> None:
        poet = await make("assistants")
        await admin.patch(f"/assistants/{poet['id']}", json={"is_secretary": True})

        answer = await admin.post(f"/assistants/{poet['id']}/versions/1/restore")

        assert answer.status_code == 409

    async def test_invalid_stored_field_is_a_named_conflict(
        self, admin: Client, make: Make, sql: Sql
    ) -> None:
        poet = await make("assistants")
        changed = "jsonb_set(content::jsonb, '{temperature}', '9')::json"
        await sql(f"UPDATE versions SET content = {changed}")

        answer = await admin.post(f"/assistants/{poet['id']}/versions/1/restore")

        assert (answer.status_code, "temperature" in answer.text) == (409, True)
