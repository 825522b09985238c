from uuid import UUID

from rest_service.tests.api_helpers import Client, Make, list_items
from smart_kit.contracts.keys import list_history_keys, user_key
from smart_kit.contracts.users import UserSnapshot
from smart_kit.redis import Redis

UNKNOWN = "11111111-1111-1111-1111-111111111111"


async def test_a_new_thread_replaces_the_current_one(admin: Client, make: Make) -> None:
    user, poet = await make("users"), await make("assistants")
    body = {"user_id": user["id"], "assistant_id": poet["id"]}

    first, second = await make("threads", **body), await make("threads", **body)

    assert first["id"] == second["id"]
    assert first["thread_id"] != second["thread_id"]
    assert second["last_used_at"] > first["last_used_at"]
    assert await list_items(admin, "/threads") == [second]
    assert (await admin.get(f"/threads/{first['id']}")).json() == second


async def test_each_assistant_has_a_thread_of_its_own(admin: Client, make: Make) -> None:
    user, other = await make("users"), await make("users")
    poet, clerk = await make("assistants"), await make("assistants")
    for person, assistant in ((user, poet), (user, clerk), (other, poet)):
        await make("threads", user_id=person["id"], assistant_id=assistant["id"])

    assert len(await list_items(admin, "/threads", user_id=user["id"])) == 2
    assert len(await list_items(admin, "/threads", assistant_id=poet["id"])) == 2
    assert len({thread["thread_id"] for thread in await list_items(admin, "/threads")}) == 3


async def test_unknown_user_or_assistant_is_not_found(admin: Client, make: Make) -> None:
    user, poet = await make("users"), await make("assistants")

    for user_id, assistant_id in ((UNKNOWN, poet["id"]), (user["id"], UNKNOWN)):
        body = {"user_id": user_id, "assistant_id": assistant_id}
        assert (await admin.post("/threads", json=body)).status_code == 404


async def test_a_deleted_thread_is_forgotten_everywhere(
    admin: Client, make: Make, redis: Redis
) -> None:
    user, poet = await make("users"), await make("assistants")
    thread = await make("threads", user_id=user["id"], assistant_id=poet["id"])
    history, mark = list_history_keys([UUID(thread["thread_id"])])
    await redis.rpush(history, "{}")
    await redis.set(mark, "trimmed")

    answers = [await admin.delete(f"/threads/{thread['id']}") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [204, 404]
    assert not await redis.exists(history, mark)
    (fresh,) = await list_items(admin, "/threads")
    assert fresh["id"] != thread["id"]
    person = UserSnapshot.model_validate_json(await redis.get(user_key(user["telegram_id"])) or "")
    assert person.threads == {UUID(poet["id"]): UUID(fresh["thread_id"])}


async def test_thread_of_deleted_user_or_assistant_can_be_deleted(
    admin: Client, make: Make
) -> None:
    for gone in ("users", "assistants"):
        user, poet = await make("users"), await make("assistants")
        thread = await make("threads", user_id=user["id"], assistant_id=poet["id"])
        row = user if gone == "users" else poet
        assert (await admin.delete(f"/{gone}/{row['id']}")).status_code == 204

        assert (await admin.delete(f"/threads/{thread['id']}")).status_code == 204
        assert await list_items(admin, "/threads") == []
