"""Cycles of sub-assistants are refused, however they would be created."""

import asyncio
from typing import Any

import pytest
import pytest_asyncio

from rest_service.tests.api_helpers import Client, Make, list_items
from rest_service.tests.version_helpers import attach_tool, list_versions


class TestCycles:
    """A change that would close a cycle is refused and names the cycle."""

    @pytest_asyncio.fixture(loop_scope="session")
    async def cycle(self, admin: Client, make: Make) -> dict[str, Any]:
        """A asks B; B has an inactive tool that asks A."""
        a, b = await make("assistants", name="A"), await make("assistants", name="B")
        kind = {"tool_type": "sub_assistant"}
        there = await make("tools", name="there", **kind, assistant_id=b["id"])
        back = await make("tools", name="back", **kind, assistant_id=a["id"], is_active=False)
        await attach_tool(admin, a, there)
        await attach_tool(admin, b, back)
        return {"a": a, "b": b, "there": there, "back": back}

    async def assert_refused(self, admin: Client, method: str, path: str, body: Any = None) -> None:
        answer = await admin.request(method, path, json=body)
        assert answer.status_code == 400, answer.text
        detail = answer.json()["detail"]
        assert "A asks B asks A" in detail or "B asks A asks B" in detail

    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    async def test_activating_a_tool_is_refused(
        self, admin: Client, cycle: dict[str, Any], method: str
    ) -> None:
        await self.assert_refused(
            admin, method, f"/tools/{cycle['back']['id']}", {"is_active": True}
        )

    async def test_cycle_through_inactive_assistant_is_refused(
        self, admin: Client, make: Make, cycle: dict[str, Any]
    ) -> None:
        """Inactive assistants are checked too."""
        await admin.patch(f"/assistants/{cycle['b']['id']}", json={"is_active": False})

        await self.assert_refused(
            admin, "PATCH", f"/tools/{cycle['back']['id']}", {"is_active": True}
        )

    async def test_cycle_through_link_target_is_refused(
        self, admin: Client, cycle: dict[str, Any]
    ) -> None:
        back = f"/tools/{cycle['back']['id']}"
        changed = {"assistant_id": None, "is_active": False}
        assert (await admin.patch(back, json=changed)).status_code == 200
        (link,) = await list_items(admin, "/assistant-tools", tool_id=cycle["back"]["id"])
        path = f"/assistant-tools/{link['id']}"
        body = {"sub_assistant_id": cycle["a"]["id"]}
        assert (await admin.put(path, json=body)).status_code == 200, "it is not active"

        await self.assert_refused(admin, "PUT", back, {"is_active": True})

    async def test_restoring_a_tool_version_is_refused(
        self, admin: Client, cycle: dict[str, Any]
    ) -> None:
        a, b, back = cycle["a"], cycle["b"], cycle["back"]
        await admin.delete(f"/assistants/{b['id']}/tools/{back['id']}")
        await admin.patch(f"/tools/{back['id']}", json={"is_active": True})
        await admin.patch(f"/tools/{back['id']}", json={"is_active": False})
        await attach_tool(admin, b, back)

        await self.assert_refused(admin, "POST", f"/tools/{back['id']}/versions/2/restore")
        assert len(await list_versions(admin, back, "tools")) == 3
        assert a["name"] == "A"

    async def test_restoring_an_assistant_version_is_refused(
        self, admin: Client, cycle: dict[str, Any]
    ) -> None:
        b, back = cycle["b"], cycle["back"]
        await admin.delete(f"/assistants/{b['id']}/tools/{back['id']}")
        await admin.patch(f"/tools/{back['id']}", json={"is_active": True})

        await self.assert_refused(admin, "POST", f"/assistants/{b['id']}/versions/2/restore")
        assert [item["content"]["tools"] == [] for item in await list_versions(admin, b)] == [
            True,
            False,
            True,
        ]

    async def test_changing_tool_type_to_sub_assistant_is_refused(
        self, admin: Client, make: Make, cycle: dict[str, Any]
    ) -> None:
        clock = await make("tools", name="get_time")
        await attach_tool(admin, cycle["b"], clock)
        body = {"name": "other", "tool_type": "sub_assistant", "assistant_id": cycle["a"]["id"]}

        await self.assert_refused(admin, "PUT", f"/tools/{clock['id']}", body)

    async def test_concurrent_activations_cannot_close_a_cycle(
        self, admin: Client, cycle: dict[str, Any]
    ) -> None:
        """Neither of the changes closes the cycle alone."""
        a, there, back = cycle["a"], cycle["there"], cycle["back"]
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
        assert await list_items(admin, "/assistant-tools", assistant_id=a["id"])
