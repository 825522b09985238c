"""Watching a mailbox."""

from smart_kit.health import Health
from smart_kit.mailbox import Letter, Mailbox, Watch
from smart_kit.metrics import DEAD_LETTERS, QUEUE_CONVERSATIONS, QUEUE_OLDEST_SECONDS
from smart_kit.redis import Redis

QUEUE = "queue:watched"


async def test_an_empty_mailbox_has_nothing_to_tell(redis: Redis) -> None:
    watch = Watch(Mailbox(redis, QUEUE))
    await watch.look()
    assert watch.note() == ""
    assert QUEUE_OLDEST_SECONDS.labels(QUEUE)._value.get() == 0


async def test_what_waits_is_delayed_or_dead_is_counted_and_told(redis: Redis) -> None:
    mailbox = Mailbox(redis, QUEUE)
    await mailbox.create()
    for number in range(3):
        await mailbox.enqueue(Letter(f"m{number}", f"c{number}", "{}"))
    entry = await mailbox.receive(redis, "worker", 1.0)
    assert entry is not None
    delivery = await mailbox.begin(entry)
    assert delivery is not None
    await mailbox.delay(delivery, 60)
    # since two minutes, by the name that Redis gives an entry
    ((newest, fields),) = await redis.xrevrange(QUEUE, count=1)
    seconds, _ = await redis.time()
    await redis.xadd("old", fields, id=f"{(seconds - 120) * 1000}-0")
    await redis.rename("old", QUEUE)
    await redis.xadd(f"{QUEUE}:dead", {"letter": "{}"})

    watch = Watch(mailbox)
    await watch.look()
    assert watch.note() in {f"the oldest of 3 waits {n} s; 1 dead letter" for n in (120, 121)}
    assert QUEUE_CONVERSATIONS.labels(QUEUE, "ready")._value.get() == 2
    assert QUEUE_CONVERSATIONS.labels(QUEUE, "delayed")._value.get() == 1
    assert DEAD_LETTERS.labels(QUEUE)._value.get() == 1
    assert newest


def test_a_note_stands_beside_a_good_report() -> None:
    health = Health("assistant")
    health.tell(lambda: "")
    assert health.report()["note"] == ""
    health.tell(lambda: "2 dead letters")
    assert (health.report()["status"], health.report()["note"]) == ("ok", "2 dead letters")
