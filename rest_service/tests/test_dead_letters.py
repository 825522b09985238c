from rest_service.tests.api import Client, listed
from smart_kit.mailbox import DeadLetter
from smart_kit.redis import Redis


async def bury(redis: Redis, queue: str, at: int, payload: str = "{}") -> None:
    letter = DeadLetter(
        queue=f"queue:{queue}", conversation="tg:1:7", payload=payload, reason="boom", attempts=5
    )
    await redis.xadd(f"queue:{queue}:dead", {"letter": letter.model_dump_json()}, id=f"{at}-0")


async def test_the_letters_of_both_queues_are_listed_newest_first_without_what_they_hold(
    admin: Client, redis: Redis
) -> None:
    for at, queue in enumerate(["to_secretary", "to_telegram", "to_secretary"], 1):
        await bury(redis, queue, at, "somebody's words")

    answer = await admin.get("/dead-letters")
    found = answer.json()["items"]
    ids = ["to_secretary:3-0", "to_telegram:2-0", "to_secretary:1-0"]
    assert [one["id"] for one in found] == ids
    assert [one["queue"] for one in found] == ["to_secretary", "to_telegram", "to_secretary"]
    assert (found[0]["reason"], found[0]["attempts"], found[0]["conversation"]) == (
        "boom",
        5,
        "tg:1:7",
    )
    assert "somebody's words" not in answer.text

    part = await listed(admin, "/dead-letters", limit=1, offset=1)
    assert [one["id"] for one in part] == ids[1:2]
    own = await admin.get("/dead-letters", params={"queue": "to_secretary"})
    assert (own.json()["total"], [one["id"] for one in own.json()["items"]]) == (2, ids[::2])


async def test_one_of_them_is_read_with_what_it_holds(admin: Client, redis: Redis) -> None:
    await bury(redis, "to_telegram", 7, '{"text": "Hi"}')

    letter = (await admin.get("/dead-letters/to_telegram:7-0")).json()

    assert letter["payload"] == '{"text": "Hi"}'
    for unknown in ("to_telegram:8-0", "to_secretary:7-0"):
        assert (await admin.get(f"/dead-letters/{unknown}")).status_code == 404
    for malformed in ("7-0", "to_nobody:7-0", "to_telegram:7", "to_telegram:9999999999999999-0"):
        assert (await admin.get(f"/dead-letters/{malformed}")).status_code == 422


async def test_a_letter_that_cannot_be_read_hides_no_other(admin: Client, redis: Redis) -> None:
    await redis.xadd("queue:to_telegram:dead", {"letter": "{broken"}, id="1000-0")
    await redis.xadd("queue:to_telegram:dead", {"other": "x"}, id="2000-0")
    await bury(redis, "to_telegram", 3000)

    reasons = [one["reason"] for one in await listed(admin, "/dead-letters")]
    assert reasons == ["boom", *["the letter itself cannot be read"] * 2]
    broken = (await admin.get("/dead-letters/to_telegram:1000-0")).json()
    assert (broken["payload"], broken["died_at"]) == ("{broken", "1970-01-01T00:00:01Z")
