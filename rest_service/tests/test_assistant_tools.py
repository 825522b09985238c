import asyncio

from rest_service.tests.api_helpers import Client, JsonObject, Make, list_items

UNKNOWN = "11111111-1111-1111-1111-111111111111"


async def make_ask_tool(make: Make, name: str, sub_assistant: JsonObject | None) -> JsonObject:
    fields = {"name": name, "tool_type": "sub_assistant"}
    return await make("tools", **fields, assistant_id=sub_assistant and sub_assistant["id"])


async def attach_tool(admin: Client, assistant: JsonObject, tool: JsonObject) -> JsonObject:
    answer = await admin.post(f"/assistants/{assistant['id']}/tools/{tool['id']}")
    return {"status": answer.status_code, **answer.json()}


async def test_attaching_a_tool_twice_creates_one_link(admin: Client, make: Make) -> None:
    poet, tool = await make("assistants"), await make("tools")

    first, second = await attach_tool(admin, poet, tool), await attach_tool(admin, poet, tool)

    assert first == second
    assert first["status"] == 201
    assert len(await list_items(admin, "/assistant-tools")) == 1


async def test_attaching_a_tool_activates_an_inactive_link(admin: Client, make: Make) -> None:
    poet, tool = await make("assistants"), await make("tools")
    body = {"assistant_id": poet["id"], "tool_id": tool["id"], "is_active": False}
    link = (await admin.post("/assistant-tools", json=body)).json()

    assert (await attach_tool(admin, poet, tool))["id"] == link["id"]
    assert (await admin.get(f"/assistant-tools/{link['id']}")).json()["is_active"] is True


async def test_duplicate_link_is_refused(admin: Client, make: Make) -> None:
    poet, tool = await make("assistants"), await make("tools")
    body = {"assistant_id": poet["id"], "tool_id": tool["id"]}

    answers = [(await admin.post("/assistant-tools", json=body)).status_code for _ in range(2)]

    assert answers == [201, 409]


async def test_detaching_a_tool_removes_the_link(admin: Client, make: Make) -> None:
    poet, tool = await make("assistants"), await make("tools")
    await attach_tool(admin, poet, tool)
    path = f"/assistants/{poet['id']}/tools/{tool['id']}"

    assert [(await admin.delete(path)).status_code for _ in range(2)] == [204, 404]
    assert await list_items(admin, f"/assistants/{poet['id']}/tools") == []


async def test_links_are_filtered_by_assistant_and_tool(admin: Client, make: Make) -> None:
    poet, clerk = await make("assistants"), await make("assistants")
    clock, other = await make("tools"), await make("tools")
    for assistant, tool in ((poet, clock), (poet, other), (clerk, clock)):
        await attach_tool(admin, assistant, tool)

    of_poet = await list_items(admin, "/assistant-tools", assistant_id=poet["id"])
    of_clock = await list_items(admin, "/assistant-tools", tool_id=clock["id"])
    both = await list_items(admin, "/assistant-tools", tool_id=clock["id"], assistant_id=poet["id"])

    assert [link["tool_id"] for link in of_poet] == [clock["id"], other["id"]]
    assert [link["assistant_id"] for link in of_clock] == [poet["id"], clerk["id"]]
    assert len(both) == 1


async def test_unknown_assistant_or_tool_is_not_found(admin: Client, make: Make) -> None:
    poet, tool = await make("assistants"), await make("tools")

    for assistant_id, tool_id in ((UNKNOWN, tool["id"]), (poet["id"], UNKNOWN)):
        path = f"/assistants/{assistant_id}/tools/{tool_id}"
        assert (await admin.post(path)).status_code == 404
        body = {"assistant_id": assistant_id, "tool_id": tool_id}
        assert (await admin.post("/assistant-tools", json=body)).status_code == 404
    assert (await admin.get(f"/assistants/{UNKNOWN}/tools")).status_code == 404


async def test_tools_of_assistant_include_link_overrides(admin: Client, make: Make) -> None:
    secretary, poet, novelist = [await make("assistants") for _ in range(3)]
    clock = await make("tools", name="z_clock")
    ask = await make_ask_tool(make, "ask_writer", poet)
    await attach_tool(admin, secretary, clock)
    body = {"assistant_id": secretary["id"], "tool_id": ask["id"]}
    link = await admin.post("/assistant-tools", json=body | {"sub_assistant_id": novelist["id"]})
    path = f"/assistants/{secretary['id']}/tools"

    tools = await list_items(admin, path)
    assert [tool["name"] for tool in tools] == ["ask_writer", "z_clock"]
    assert tools[0] == ask | {"assistant_id": novelist["id"]}
    assert tools[1] == clock

    await admin.patch(f"/assistant-tools/{link.json()['id']}", json={"is_active": False})
    assert (await list_items(admin, path))[0]["is_active"] is False


class TestSubAssistants:
    async def test_ask_tool_needs_a_sub_assistant(self, admin: Client, make: Make) -> None:
        secretary, poet = await make("assistants"), await make("assistants")
        ask_tool = await make_ask_tool(make, "ask_unset", None)

        refused = await attach_tool(admin, secretary, ask_tool)
        assert refused["status"] == 400
        assert "has no assistant to ask" in refused["detail"]

        body = {"assistant_id": secretary["id"], "tool_id": ask_tool["id"]}
        body |= {"sub_assistant_id": poet["id"]}
        assert (await admin.post("/assistant-tools", json=body)).status_code == 201

    async def test_required_sub_assistant_cannot_be_unset(self, admin: Client, make: Make) -> None:
        secretary, poet = await make("assistants"), await make("assistants")
        ask = await make_ask_tool(make, "ask_poet", poet)
        await attach_tool(admin, secretary, ask)

        refused = await admin.patch(f"/tools/{ask['id']}", json={"assistant_id": None})

        assert refused.status_code == 400
        assert (await admin.get(f"/tools/{ask['id']}")).json() == ask

    async def test_other_tools_cannot_name_a_sub_assistant(self, admin: Client, make: Make) -> None:
        secretary, poet, clock = [
            await make("assistants"),
            await make("assistants"),
            await make("tools"),
        ]
        body = {"assistant_id": secretary["id"], "tool_id": clock["id"]}
        body |= {"sub_assistant_id": poet["id"]}

        assert (await admin.post("/assistant-tools", json=body)).status_code == 400

    async def test_assistant_cannot_ask_itself(self, admin: Client, make: Make) -> None:
        poet = await make("assistants", name="Poet")

        refused = await attach_tool(admin, poet, await make_ask_tool(make, "ask_poet", poet))

        assert refused["status"] == 400
        assert "Poet asks Poet" in refused["detail"]

    async def test_cycle_is_refused_by_link_tool_and_activation(
        self, admin: Client, make: Make
    ) -> None:
        first, second, third = [await make("assistants", name=name) for name in ("A", "B", "C")]
        ask_second = await make_ask_tool(make, "ask_second", second)
        ask_third = await make_ask_tool(make, "ask_third", third)
        ask_first = await make_ask_tool(make, "ask_first", first)
        await attach_tool(admin, first, ask_second)
        await attach_tool(admin, second, ask_third)

        by_a_link = await attach_tool(admin, third, ask_first)
        by_a_tool = await admin.patch(
            f"/tools/{ask_third['id']}", json={"assistant_id": first["id"]}
        )
        body = {"assistant_id": third["id"], "tool_id": ask_first["id"], "is_active": False}
        link = (await admin.post("/assistant-tools", json=body)).json()
        by_activation = await admin.patch(
            f"/assistant-tools/{link['id']}", json={"is_active": True}
        )

        assert by_a_link["status"] == by_a_tool.status_code == by_activation.status_code == 400
        assert "A asks B asks C asks A" in by_a_link["detail"]

    async def test_more_than_three_levels_are_refused(self, admin: Client, make: Make) -> None:
        chain = [await make("assistants") for _ in range(5)]
        tools = [
            await make_ask_tool(make, f"ask_{n}", assistant) for n, assistant in enumerate(chain)
        ]
        for number in (3, 2, 1):
            assert (await attach_tool(admin, chain[number], tools[number + 1]))["status"] == 201

        refused = await attach_tool(admin, chain[0], tools[1])

        assert refused["status"] == 400
        assert "4 levels" in refused["detail"]

    async def test_concurrent_links_cannot_close_a_cycle(self, admin: Client, make: Make) -> None:
        for number in range(5):
            first, second = await make("assistants"), await make("assistants")
            there = await make_ask_tool(make, f"there_{number}", second)
            back = await make_ask_tool(make, f"back_{number}", first)

            answers = await asyncio.gather(
                attach_tool(admin, first, there), attach_tool(admin, second, back)
            )

            assert sorted(answer["status"] for answer in answers) == [201, 400]
