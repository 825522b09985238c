"""A batch of updates: each by itself, none is lost, and what became of each is counted."""

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
from tg_bot.src.config.settings import AllowList
from tg_bot.src.services import access
from tg_bot.src.services.intake import Intake, greatest_id
from tg_bot.tests import updates
from tg_bot.tests.conftest import MakeIntake
from tg_bot.tests.fake_rest_service import FakeRestService
from tg_bot.tests.queue_contents import dead_letters, to_secretary, to_telegram

CHAT = {"id": 7, "type": "private"}
STOPPED = updates.update("stopped_message_generation", {"chat": CHAT, "draft_id": 1})
JOINED = updates.update("my_chat_member", {"chat": CHAT, "new_chat_member": {"status": "member"}})


def counted(kind: str, outcome: str) -> float:
    """What `/metrics` says of updates."""
    labels = {"kind": kind, "outcome": outcome}
    return REGISTRY.get_sample_value("tg_bot_updates_total", labels) or 0.0


@pytest.mark.parametrize(
    ("update", "kind", "outcome"),
    [
        (updates.message("hello"), "message", "user_message"),
        (updates.message("/new"), "message", "user_command"),
        (updates.message("/help"), "message", "notice"),
        (updates.message(None, pinned_message={"message_id": 1}), "message", "nothing"),
        (updates.press("model:own"), "callback_query", "user_press"),
        (JOINED, "my_chat_member", "nothing"),
        (STOPPED, "stopped_message_generation", "nothing"),
        (updates.update("guest_message", {}), "other", "nothing"),
        (updates.message("x", chat={"id": "seven", "type": "private"}), "unknown", "dead"),
        (updates.message("\ud83d"), "message", "dead"),
    ],
)
async def test_what_becomes_of_an_update_is_counted(
    intake: Intake, update: dict[str, Any], kind: str, outcome: str
) -> None:
    before = counted(kind, outcome)
    await intake.take([update])
    assert counted(kind, outcome) == before + 1


async def test_when_updates_last_came_is_measured(intake: Intake) -> None:
    begun = time.time()
    await intake.take([updates.message("hello")])
    came_at = REGISTRY.get_sample_value("tg_bot_update_timestamp_seconds")
    assert came_at is not None
    assert came_at >= begun

    await intake.take([])
    assert REGISTRY.get_sample_value("tg_bot_update_timestamp_seconds") == came_at


async def test_every_line_about_an_update_has_its_id(intake: Intake) -> None:
    batch = [updates.message("hello"), updates.message("/help", telegram_id=8)]
    with capture_logs(processors=[merge_contextvars]) as lines:
        await intake.take(batch)

    told = [
        (line["correlation_id"], line["kind"], line["outcome"])
        for line in lines
        if line["event"] == "update"
    ]
    assert sorted(told) == [
        (f"tg:424242:{batch[0]['update_id']}", "message", "user_message"),
        (f"tg:424242:{batch[1]['update_id']}", "message", "notice"),
    ]


async def test_a_message_has_all_that_its_sender_says_of_themselves(
    intake: Intake, redis: Redis
) -> None:
    sender = updates.user(first_name="A" * 300, username="anna", language_code="de")
    await intake.take(
        [updates.message("hi", **{"from": sender}), updates.message("ho", 8, **{"from": {"id": 8}})]
    )

    first, second = await to_secretary(redis)
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
    async def test_it_is_kept_as_it_came_with_the_reason(
        self, intake: Intake, redis: Redis
    ) -> None:
        broken = updates.message("lost?", chat={"id": "seven", "type": "private"})

        await intake.take([broken, 5, updates.message("fine")])

        kept = [(json.loads(one.payload), one.reason) for one in await dead_letters(redis)]
        assert [raw for raw, _ in kept] == [broken, 5]
        assert kept[0][1] == (
            "message.chat.id: Input should be a valid integer, unable to parse string as an integer"
        )
        assert kept[1][1].startswith(": Input should be a valid dictionary")
        assert len(await to_secretary(redis)) == 1

    async def test_what_fails_on_its_way_is_kept_too_and_the_next_of_its_chat_goes_on(
        self, intake: Intake, redis: Redis
    ) -> None:
        half = updates.message("\ud83d")

        await intake.take([half, updates.message("fine")])

        (kept,) = await dead_letters(redis)
        assert (json.loads(kept.payload), kept.reason) == (half, "PydanticSerializationError")
        assert [one.text for one in await to_secretary(redis)] == ["fine"]  # type: ignore[union-attr] # a text

    @pytest.mark.parametrize(
        "name", ["chat", "from", "text", "photo", "rich_message", "forward_origin", "unheard_of"]
    )
    async def test_however_deep_it_is_nested_it_stops_nobody(
        self, intake: Intake, redis: Redis, name: str
    ) -> None:
        deep: Any = []
        for _ in range(10_000):
            deep = [{"blocks": deep}]
        fine = updates.message("fine", telegram_id=8)

        await intake.take([updates.message("deep", **{name: deep[0]}), fine])

        assert [one.text for one in await to_secretary(redis) if one.chat_id == 8] == ["fine"]  # type: ignore[union-attr] # a text
        for kept in await dead_letters(redis):
            assert "deeply nested to be kept" in kept.payload


class TestRedisAway:
    async def test_what_could_not_be_decided_comes_again_and_nobody_else_waits_for_it(
        self, make_intake: MakeIntake, redis: Redis, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        intake = make_intake(AllowList(frozenset({8})))
        batch = [updates.message("let me in"), updates.message("hello", telegram_id=8)]

        async def lose(*_: object) -> bool:
            raise RedisLost("away")

        with monkeypatch.context() as patched:
            patched.setattr(access.Access, "may_be_refused", lose)
            with pytest.raises(RedisLost, match="away"):
                await intake.take(batch)
        assert [one.chat_id for one in await to_secretary(redis)] == [8]
        assert await dead_letters(redis) == []

        await intake.take(batch)
        assert [one.chat_id for one in await to_telegram(redis)] == [7]
        assert len(await to_secretary(redis)) == 1

    @pytest.mark.clock("virtual")
    async def test_a_batch_that_is_given_up_leaves_nothing_running(
        self, intake: Intake, redis: Redis, rest: FakeRestService
    ) -> None:
        rest.hangs = True
        taking = asyncio.create_task(intake.take([updates.message("/start")]))
        async with asyncio.timeout(60):
            while not rest.calls:
                await asyncio.sleep(0.01)

        taking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await taking

        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert await to_telegram(redis) == []

    @pytest.mark.clock("virtual")
    async def test_who_is_slow_does_not_hide_that_the_quick_could_not_be_kept(
        self,
        intake: Intake,
        redis: Redis,
        rest: FakeRestService,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        async def lose(*_: object) -> list[bool]:
            raise RedisLost("away")

        rest.hangs = True
        monkeypatch.setattr(intake._queues.to_secretary, "enqueue", lose)

        with pytest.raises(RedisLost, match="away"):
            await intake.take([updates.message("hello"), updates.message("/start", telegram_id=8)])

        assert asyncio.all_tasks() == {asyncio.current_task()}, "nothing is left running"


@pytest.mark.parametrize(
    ("ids", "greatest"),
    [([0], 0), ([-1], None), ([2**62 - 1, 2**62], 2**62 - 1), ([1.5, "2", None, True], None)],
)
def test_an_id_is_one_that_telegram_could_confirm(ids: list[object], greatest: int | None) -> None:
    assert greatest_id([{"update_id": one} for one in ids]) == greatest
