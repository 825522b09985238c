"""A batch of updates: each is handled by itself, none is lost, and outcomes are counted."""

import asyncio
import json
import time
from typing import Any

import pytest
from prometheus_client import REGISTRY
from redis.exceptions import ConnectionError as RedisLost
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from smart_kit.contracts.queue import UserMessage
from smart_kit.redis import Redis
from tg_bot.src import access
from tg_bot.src.config.settings import AllowList
from tg_bot.src.services.update_processor import UpdateProcessor, find_max_update_id
from tg_bot.tests import updates
from tg_bot.tests.conftest import MakeUpdateProcessor
from tg_bot.tests.fake_rest_service import FakeRestService
from tg_bot.tests.queue_contents import read_dead_letters, read_secretary_queue, read_telegram_queue

CHAT = {"id": 7, "type": "private"}
STOPPED = updates.update("stopped_message_generation", {"chat": CHAT, "draft_id": 1})
JOINED = updates.update("my_chat_member", {"chat": CHAT, "new_chat_member": {"status": "member"}})


def count_updates(kind: str, outcome: str) -> float:
    """Return the count of updates, from the metrics."""
    labels = {"kind": kind, "outcome": outcome}
    return REGISTRY.get_sample_value("tg_bot_updates_total", labels) or 0.0


@pytest.mark.parametrize(
    ("update", "kind", "outcome"),
    [
        (updates.message("hello"), "message", "user_message"),
        (updates.message("/new"), "message", "user_command"),
        (updates.message("/help"), "message", "notice"),
        (updates.message(None, pinned_message={"message_id": 1}), "message", "ignored"),
        (updates.callback_query("model:default"), "callback_query", "user_press"),
        (JOINED, "my_chat_member", "ignored"),
        (STOPPED, "stopped_message_generation", "ignored"),
        (updates.update("guest_message", {}), "other", "ignored"),
        (updates.message("x", chat={"id": "seven", "type": "private"}), "unknown", "dead_lettered"),
        (updates.message("\ud83d"), "message", "dead_lettered"),
    ],
)
async def test_update_outcomes_are_counted(
    update_processor: UpdateProcessor, update: dict[str, Any], kind: str, outcome: str
) -> None:
    before = count_updates(kind, outcome)
    await update_processor.process_batch([update])
    assert count_updates(kind, outcome) == before + 1


async def test_time_of_the_last_update_is_measured(update_processor: UpdateProcessor) -> None:
    started = time.time()
    await update_processor.process_batch([updates.message("hello")])
    came_at = REGISTRY.get_sample_value("tg_bot_update_timestamp_seconds")
    assert came_at is not None
    assert came_at >= started

    await update_processor.process_batch([])
    assert REGISTRY.get_sample_value("tg_bot_update_timestamp_seconds") == came_at


async def test_log_lines_contain_the_update_id(update_processor: UpdateProcessor) -> None:
    batch = [updates.message("hello"), updates.message("/help", telegram_id=8)]
    with capture_logs(processors=[merge_contextvars]) as lines:
        await update_processor.process_batch(batch)

    logged = [
        (line["correlation_id"], line["kind"], line["outcome"])
        for line in lines
        if line["event"] == "update handled"
    ]
    assert sorted(logged) == [
        (f"tg:424242:{batch[0]['update_id']}", "message", "user_message"),
        (f"tg:424242:{batch[1]['update_id']}", "message", "notice"),
    ]


async def test_message_contains_the_sender_profile(
    update_processor: UpdateProcessor, redis: Redis
) -> None:
    sender = updates.user(first_name="A" * 300, username="anna", language_code="de")
    await update_processor.process_batch(
        [updates.message("hi", **{"from": sender}), updates.message("ho", 8, **{"from": {"id": 8}})]
    )

    first, second = await read_secretary_queue(redis)
    assert isinstance(first, UserMessage)
    assert isinstance(second, UserMessage)
    assert first.sender.model_dump() == {
        "telegram_id": 7,
        "first_name": "A" * 255,
        "username": "anna",
        "language_code": "de",
    }
    assert second.sender.model_dump() == {
        "telegram_id": 8,
        "first_name": "",
        "username": None,
        "language_code": None,
    }


class TestUnreadable:
    async def test_dead_letter_contains_the_raw_update_and_reason(
        self, update_processor: UpdateProcessor, redis: Redis
    ) -> None:
        broken = updates.message("lost?", chat={"id": "seven", "type": "private"})

        await update_processor.process_batch([broken, 5, updates.message("fine")])

        stored = [
            (json.loads(dead_letter.payload), dead_letter.reason)
            for dead_letter in await read_dead_letters(redis)
        ]
        assert [raw for raw, _ in stored] == [broken, 5]
        assert stored[0][1] == (
            "message.chat.id: Input should be a valid integer, unable to parse string as an integer"
        )
        assert stored[1][1].startswith(": Input should be a valid dictionary")
        assert len(await read_secretary_queue(redis)) == 1

    async def test_failed_update_does_not_stop_the_next_of_its_chat(
        self, update_processor: UpdateProcessor, redis: Redis
    ) -> None:
        half = updates.message("\ud83d")

        await update_processor.process_batch([half, updates.message("fine")])

        (dead_letter,) = await read_dead_letters(redis)
        assert (json.loads(dead_letter.payload), dead_letter.reason) == (
            half,
            "PydanticSerializationError",
        )
        assert [message.text for message in await read_secretary_queue(redis)] == ["fine"]  # type: ignore[union-attr] # a text

    @pytest.mark.parametrize(
        "name", ["chat", "from", "text", "photo", "rich_message", "forward_origin", "unheard_of"]
    )
    async def test_deeply_nested_update_does_not_stop_the_batch(
        self, update_processor: UpdateProcessor, redis: Redis, name: str
    ) -> None:
        deep: Any = []
        for _ in range(10_000):
            deep = [{"blocks": deep}]
        fine = updates.message("fine", telegram_id=8)

        await update_processor.process_batch([updates.message("deep", **{name: deep[0]}), fine])

        assert [
            message.text for message in await read_secretary_queue(redis) if message.chat_id == 8
        ] == ["fine"]  # type: ignore[union-attr] # a text
        for dead_letter in await read_dead_letters(redis):
            assert "nested too deeply to store" in dead_letter.payload


class TestRedisUnavailable:
    async def test_redis_error_in_one_chat_does_not_delay_others(
        self,
        make_update_processor: MakeUpdateProcessor,
        redis: Redis,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        processor = make_update_processor(AllowList((8,)))
        batch = [updates.message("let me in"), updates.message("hello", telegram_id=8)]

        async def lose(*_: object) -> bool:
            raise RedisLost("away")

        with monkeypatch.context() as patched:
            patched.setattr(access.AccessControl, "allow_refusal_notice", lose)
            with pytest.raises(RedisLost, match="away"):
                await processor.process_batch(batch)
        assert [message.chat_id for message in await read_secretary_queue(redis)] == [8]
        assert await read_dead_letters(redis) == []

        await processor.process_batch(batch)
        assert [message.chat_id for message in await read_telegram_queue(redis)] == [7]
        assert len(await read_secretary_queue(redis)) == 1

    @pytest.mark.clock("virtual")
    async def test_cancelled_batch_leaves_no_task_running(
        self, update_processor: UpdateProcessor, redis: Redis, rest: FakeRestService
    ) -> None:
        before = asyncio.all_tasks()  # with those of the client's connection
        rest.is_hanging = True
        taking = asyncio.create_task(update_processor.process_batch([updates.message("/start")]))
        async with asyncio.timeout(60):
            while not rest.calls:
                await asyncio.sleep(0.01)

        taking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await taking

        assert asyncio.all_tasks() == before
        assert await read_telegram_queue(redis) == []

    @pytest.mark.clock("virtual")
    async def test_slow_chat_does_not_hide_an_enqueue_error(
        self,
        update_processor: UpdateProcessor,
        redis: Redis,
        rest: FakeRestService,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        async def lose(*_: object) -> list[bool]:
            raise RedisLost("away")

        before = asyncio.all_tasks()  # with those of the client's connection
        rest.is_hanging = True
        monkeypatch.setattr(update_processor._queues.to_secretary, "enqueue", lose)

        with pytest.raises(RedisLost, match="away"):
            await update_processor.process_batch(
                [updates.message("hello"), updates.message("/start", telegram_id=8)]
            )

        assert asyncio.all_tasks() == before, "nothing is left running"


@pytest.mark.parametrize(
    ("ids", "greatest"),
    [([0], 0), ([-1], None), ([2**62 - 1, 2**62], 2**62 - 1), ([1.5, "2", None, True], None)],
)
def test_only_confirmable_update_ids_are_valid(ids: list[object], greatest: int | None) -> None:
    assert find_max_update_id([{"update_id": update_id} for update_id in ids]) == greatest
