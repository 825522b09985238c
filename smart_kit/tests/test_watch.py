"""Watching a mailbox."""

import asyncio

import pytest
import structlog
from redis.exceptions import ConnectionError as RedisConnectionError

from smart_kit.health import Health
from smart_kit.mailbox import Depth, Letter, Mailbox, Watch
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
    assert watch.note().startswith("the oldest of 3 waits 1")
    assert QUEUE_CONVERSATIONS.labels(QUEUE, "ready")._value.get() == 2
    assert QUEUE_CONVERSATIONS.labels(QUEUE, "delayed")._value.get() == 1
    assert DEAD_LETTERS.labels(QUEUE)._value.get() == 1
    assert QUEUE_OLDEST_SECONDS.labels(QUEUE)._value.get() >= 120
    assert newest


class ScriptedDepths(Mailbox):
    """A mailbox in which so much lies, one look after the other."""

    def __init__(self, redis: Redis, *depths: Depth | Exception) -> None:
        super().__init__(redis, QUEUE)
        self.looks: list[float] = []
        self._depths = list(depths)

    async def depth(self) -> Depth:
        self.looks.append(asyncio.get_running_loop().time())
        depth = self._depths.pop(0)
        if isinstance(depth, Exception):
            raise depth
        return depth


@pytest.mark.parametrize(
    ("depth", "note"),
    [
        (Depth(3, 0, 4.9, 0), ""),
        (Depth(3, 0, 5.0, 0), "the oldest of 3 waits 5 s"),
        (Depth(3, 1, 41.4, 2), "the oldest of 3 waits 41 s; 2 dead letters"),
        (Depth(0, 0, 0.0, 1), "1 dead letter"),
    ],
)
async def test_what_an_operator_should_know_is_noted(redis: Redis, depth: Depth, note: str) -> None:
    watch = Watch(ScriptedDepths(redis, depth))
    assert watch.note() == ""
    await watch.look()
    assert watch.note() == note


@pytest.mark.clock("virtual")
async def test_it_looks_every_five_seconds_until_its_stop_also_where_redis_is_away(
    redis: Redis,
) -> None:
    empty, stop = Depth(0, 0, 0.0, 0), asyncio.Event()
    mailbox = ScriptedDepths(redis, empty, RedisConnectionError("refused"), empty)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    with structlog.testing.capture_logs() as lines:
        running = asyncio.create_task(Watch(mailbox).run(stop))
        await asyncio.sleep(12)
        stop.set()
        await running

    assert [round(at - begun) for at in mailbox.looks] == [0, 5, 10]
    assert round(loop.time() - begun) == 12, "a stop is not waited out"
    assert lines == [
        {
            "log_level": "debug",
            "event": "queue not looked at",
            "queue": QUEUE,
            "reason": "refused",
        }
    ]


def test_a_note_stands_beside_a_good_report() -> None:
    health = Health("assistant")
    health.tell(lambda: "")
    assert health.report()["note"] == ""
    health.tell(lambda: "2 dead letters")
    assert (health.report()["status"], health.report()["note"]) == ("ok", "2 dead letters")
