import asyncio

from rest_service.tests.api_helpers import Client, JsonObject, Make, list_items

UNKNOWN = "11111111-1111-1111-1111-111111111111"


async def make_ask_tool(make: Make, name: str, sub_assistant: JsonObject | None) -> JsonObject:
    fields = {"name": name, "tool_type": "sub_assistant"}
    return await make("tools", **fields, assistant_id=sub_assistant and sub_assistant["id"])


async def attach_tool(admin: Client, assistant: JsonObject, tool: JsonObject) -> JsonObject:
    answer = await admin.post(f"/assistants/{assistant['id']}/tools/{tool['id']}")
    return {"status": answer.status_code, **answer.json()}


async def test_giving_a_tool_twice_is_one_link(admin: Client, make: Make) -> None:
    poet, tool = await make("assistants"), await make("tools")

    first, second = await attach_tool(admin, poet, tool), await attach_tool(admin, poet, tool)

    assert first == second
    assert first["status"] == 201
    assert len(await list_items(admin, "/assistant-tools")) == 1


async def test_giving_a_tool_makes_an_inactive_link_active(admin: Client, make: Make) -> None:
    poet, tool = await make("assistants"), await make("tools")
    body = {"assistant_id": poet["id"], "tool_id": tool["id"], "is_active": False}
    link = (await admin.post("/assistant-tools", json=body)).json()

    assert (await attach_tool(admin, poet, tool))["id"] == link["id"]
    assert (await admin.get(f"/assistant-tools/{link['id']}")).json()["is_active"] is True


async def test_a_second_link_of_the_same_two_is_refused(admin: Client, make: Make) -> None:
    poet, tool = await make("assistants"), await make("tools")
    body = {"assistant_id": poet["id"], "tool_id": tool["id"]}

    answers = [(await admin.post("/assistant-tools", json=body)).status_code for _ in range(2)]

    assert answers == [201, 409]


async def test_taking_a_tool_removes_the_link(admin: Client, make: Make) -> None:
    poet, tool = await make("assistants"), await make("tools")
    await attach_tool(admin, poet, tool)
    path = f"/assistants/{poet['id']}/tools/{tool['id']}"

    assert [(await admin.delete(path)).status_code for _ in range(2)] == [204, 404]
    assert await list_items(admin, f"/assistants/{poet['id']}/tools") == []


async def test_links_are_filtered(admin: Client, make: Make) -> None:
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


async def test_unknown_ends_are_not_found(admin: Client, make: Make) -> None:
    poet, tool = await make("assistants"), await make("tools")

    for assistant_id, tool_id in ((UNKNOWN, tool["id"]), (poet["id"], UNKNOWN)):
        path = f"/assistants/{assistant_id}/tools/{tool_id}"
        assert (await admin.post(path)).status_code == 404
        body = {"assistant_id": assistant_id, "tool_id": tool_id}
        assert (await admin.post("/assistant-tools", json=body)).status_code == 404
    assert (await admin.get(f"/assistants/{UNKNOWN}/tools")).status_code == 404


async def test_an_assistants_tools_are_told_as_they_are_for_it(admin: Client, make: Make) -> None:
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
    async def test_a_tool_must_have_somebody_to_ask(self, admin: Client, make: Make) -> None:
        secretary, poet = await make("assistants"), await make("assistants")
        nobody = await make_ask_tool(make, "ask_nobody", None)

        refused = await attach_tool(admin, secretary, nobody)
        assert refused["status"] == 400
        assert "has no assistant to ask" in refused["detail"]

        body = {"assistant_id": secretary["id"], "tool_id": nobody["id"]}
        body |= {"sub_assistant_id": poet["id"]}
        assert (await admin.post("/assistant-tools", json=body)).status_code == 201

    async def test_the_last_one_to_ask_cannot_be_unset(self, admin: Client, make: Make) -> None:
        secretary, poet = await make("assistants"), await make("assistants")
        ask = await make_ask_tool(make, "ask_poet", poet)
        await attach_tool(admin, secretary, ask)

        refused = await admin.patch(f"/tools/{ask['id']}", json={"assistant_id": None})

        assert refused.status_code == 400
        assert (await admin.get(f"/tools/{ask['id']}")).json() == ask

    async def test_only_their_links_name_somebody(self, admin: Client, make: Make) -> None:
        secretary, poet, clock = [
            await make("assistants"),
            await make("assistants"),
            await make("tools"),
        ]
        body = {"assistant_id": secretary["id"], "tool_id": clock["id"]}
        body |= {"sub_assistant_id": poet["id"]}

        assert (await admin.post("/assistant-tools", json=body)).status_code == 400

    async def test_nobody_asks_themselves(self, admin: Client, make: Make) -> None:
        poet = await make("assistants", name="Poet")

        refused = await attach_tool(admin, poet, await make_ask_tool(make, "ask_poet", poet))

        assert refused["status"] == 400
        assert "Poet asks Poet" in refused["detail"]

    async def test_a_circle_is_refused_however_it_would_be_closed(
        self, admin: Client, make: Make
    ) -> None:
        one, two, three = [await make("assistants", name=name) for name in ("A", "B", "C")]
        ask_two = await make_ask_tool(make, "ask_two", two)
        ask_three = await make_ask_tool(make, "ask_three", three)
        ask_one = await make_ask_tool(make, "ask_one", one)
        await attach_tool(admin, one, ask_two)
        await attach_tool(admin, two, ask_three)

        by_a_link = await attach_tool(admin, three, ask_one)
        by_a_tool = await admin.patch(f"/tools/{ask_three['id']}", json={"assistant_id": one["id"]})
        body = {"assistant_id": three["id"], "tool_id": ask_one["id"], "is_active": False}
        link = (await admin.post("/assistant-tools", json=body)).json()
        by_activation = await admin.patch(
            f"/assistant-tools/{link['id']}", json={"is_active": True}
        )

        assert by_a_link["status"] == by_a_tool.status_code == by_activation.status_code == 400
        assert "A asks B asks C asks A" in by_a_link["detail"]

    async def test_three_levels_are_allowed_and_no_more(self, admin: Client, make: Make) -> None:
        chain = [await make("assistants") for _ in range(5)]
        tools = [await make_ask_tool(make, f"ask_{n}", one) for n, one in enumerate(chain)]
        for number in (3, 2, 1):
            assert (await attach_tool(admin, chain[number], tools[number + 1]))["status"] == 201

        refused = await attach_tool(admin, chain[0], tools[1])

        assert refused["status"] == 400
        assert "4 levels" in refused["detail"]

    async def test_two_halves_of_a_circle_at_once_do_not_slip_through(
        self, admin: Client, make: Make
    ) -> None:
        for number in range(5):
            one, two = await make("assistants"), await make("assistants")
            there = await make_ask_tool(make, f"there_{number}", two)
            back = await make_ask_tool(make, f"back_{number}", one)

            answers = await asyncio.gather(
                attach_tool(admin, one, there), attach_tool(admin, two, back)
            )

            assert sorted(answer["status"] for answer in answers) == [201, 400]
