"""The monitor of a queue."""

import asyncio

import pytest
import structlog
from redis.exceptions import ConnectionError as RedisConnectionError

from smart_kit.health import Health
from smart_kit.mailbox import Envelope, Mailbox, QueueDepth, QueueMonitor
from smart_kit.metrics import DEAD_LETTERS, QUEUE_CONVERSATIONS, QUEUE_OLDEST_SECONDS
from smart_kit.redis import Redis

QUEUE = "queue:watched"


async def test_empty_mailbox_reports_nothing(redis: Redis) -> None:
    monitor = QueueMonitor(Mailbox(redis, QUEUE))
    await monitor.collect()
    assert monitor.health_note() == ""
    assert QUEUE_OLDEST_SECONDS.labels(QUEUE)._value.get() == 0


async def test_waiting_delayed_and_dead_messages_are_counted_and_reported(redis: Redis) -> None:
    mailbox = Mailbox(redis, QUEUE)
    await mailbox.create_group()
    for number in range(3):
        await mailbox.enqueue(Envelope(f"m{number}", f"c{number}", "{}"))
    (entry,) = await mailbox.receive(redis, "worker", 1.0)
    delivery = await mailbox.begin(entry)
    assert delivery is not None
    await mailbox.delay(delivery, 60)
    # since two minutes, by the name that Redis gives an entry
    ((newest, fields),) = await redis.xrevrange(QUEUE, count=1)
    seconds, _ = await redis.time()
    await redis.xadd("old", fields, id=f"{(seconds - 120) * 1000}-0")
    await redis.rename("old", QUEUE)
    await redis.xadd(f"{QUEUE}:dead", {"dead_letter": "{}"})

    monitor = QueueMonitor(mailbox)
    await monitor.collect()
    assert monitor.health_note().startswith("the oldest of 3 waits 1")
    assert QUEUE_CONVERSATIONS.labels(QUEUE, "ready")._value.get() == 2
    assert QUEUE_CONVERSATIONS.labels(QUEUE, "delayed")._value.get() == 1
    assert DEAD_LETTERS.labels(QUEUE)._value.get() == 1
    assert QUEUE_OLDEST_SECONDS.labels(QUEUE)._value.get() >= 120
    assert newest


class ScriptedDepthMailbox(Mailbox):
    """A mailbox with the given depths, one per measurement."""

    def __init__(self, redis: Redis, *depths: QueueDepth | Exception) -> None:
        super().__init__(redis, QUEUE)
        self.call_times: list[float] = []
        self._depths = list(depths)

    async def get_depth(self) -> QueueDepth:
        self.call_times.append(asyncio.get_running_loop().time())
        depth = self._depths.pop(0)
        if isinstance(depth, Exception):
            raise depth
        return depth


@pytest.mark.parametrize(
    ("depth", "note"),
    [
        (QueueDepth(3, 0, 4.9, 0), ""),
        (QueueDepth(3, 0, 5.0, 0), "the oldest of 3 waits 5 s"),
        (QueueDepth(3, 1, 41.4, 2), "the oldest of 3 waits 41 s; 2 dead letters"),
        (QueueDepth(0, 0, 0.0, 1), "1 dead letter"),
    ],
)
async def test_health_note_reports_long_waits_and_dead_letters(
    redis: Redis, depth: QueueDepth, note: str
) -> None:
    monitor = QueueMonitor(ScriptedDepthMailbox(redis, depth))
    assert monitor.health_note() == ""
    await monitor.collect()
    assert monitor.health_note() == note


@pytest.mark.clock("virtual")
async def test_monitor_measures_every_five_seconds_despite_failures(
    redis: Redis,
) -> None:
    empty, stop = QueueDepth(0, 0, 0.0, 0), asyncio.Event()
    mailbox = ScriptedDepthMailbox(redis, empty, RedisConnectionError("refused"), empty)
    loop = asyncio.get_running_loop()
    started_at = loop.time()
    with structlog.testing.capture_logs() as lines:
        running = asyncio.create_task(QueueMonitor(mailbox).run(stop))
        await asyncio.sleep(12)
        stop.set()
        await running

    assert [round(at - started_at) for at in mailbox.call_times] == [0, 5, 10]
    assert round(loop.time() - started_at) == 12, "a stop is not waited out"
    assert lines == [
        {
            "log_level": "debug",
            "event": "queue depth collection failed",
            "queue": QUEUE,
            "reason": "refused",
        }
    ]


def test_note_does_not_change_the_status() -> None:
    health = Health("assistant")
    health.add_note(lambda: "")
    assert health.report()["note"] == ""
    health.add_note(lambda: "2 dead letters")
    assert (health.report()["status"], health.report()["note"]) == ("ok", "2 dead letters")
