"""Whatever a model does, its person gets an answer or an honest notice within the deadline.

Over the real SDK, sockets and Redis, on a clock that skips what nobody needs to wait for.
"""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest
import redis.asyncio

from assistant.src.core.turn import TURN_SECONDS
from assistant.src.services.model_endpoint import ChatCompletions
from assistant.tests.desk import BOT, Desk, person, secretary, tool
from assistant.tests.skipping_loop import SkippingLoop
from smart_kit.contracts.queue import Notice, Reply, Sender
from smart_kit.settings import RedisSettings
from smart_kit.testing.models import (
    Answer,
    Asked,
    ScriptedModel,
    calls,
    cuts,
    fails,
    hangs,
    says,
    sends,
)

SLACK_SECONDS = 2.0
"""What Redis and this machine add to a deadline."""

DEEP = '{"x":' * 300 + "1" + "}" * 300
ENDLESS = calls(("get_time", {}))
RATE_LIMITED = {"error": {"code": "rate_limit_exceeded"}}
NO_MONEY = {"error": {"type": "insufficient_quota", "code": "credit_balance_exhausted"}}
ABSURD_USAGE = {"prompt_tokens": -5, "completion_tokens": 10**30}

FAULTS: dict[str, Answer] = {
    "timeout": hangs(),
    "429 with Retry-After": fails(429, RATE_LIMITED, retry_after="7"),
    "429 with an hour": fails(429, RATE_LIMITED, retry_after="3600"),
    "429 without money": fails(429, NO_MONEY),
    "500": fails(500, {"error": {"message": "boom"}}),
    "503": fails(503, b"<html>busy</html>", retry_after="1"),
    "401": fails(401, {"error": {"code": "invalid_api_key"}}),
    "no choices": sends({"choices": []}),
    "empty choice": says(""),
    "cut JSON": sends(b'{"choices": [{"message": {"content": "Hel'),
    "cut connection": cuts(b'{"choices": [{"message": {"content": "Hel'),
    "no connection": cuts(),
    "deep JSON": sends(b'{"choices":' + b"[" * 100_000),
    "unknown tool": calls(("fly_to_the_moon", {"at": "once"})),
    "wrong arguments": calls(("create_reminder", {"in_seconds": "soon", "whom": "you"})),
    "cut arguments": calls(("create_reminder", '{"text": "stre')),
    "deep arguments": calls(("create_reminder", DEEP)),
    "endless calls": ENDLESS,
}


LASTING = ("429 with an hour", "429 without money", "401")
PASSING = tuple(name for name in FAULTS if name not in LASTING)


class Said(NamedTuple):
    answer: Reply | Notice
    seconds: float


class Room:
    """A desk on a loop that skips."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._numbers = itertools.count(1)

    async def say(self, text: str = "hi") -> Said:
        """The answer to a message of somebody else each time, and how long it took."""
        (said,) = await self.say_all(1, text)
        return said

    async def say_all(self, people: int, text: str = "hi") -> list[Said]:
        """Of so many people at a time."""
        deliveries = []
        for number in itertools.islice(self._numbers, people):
            await self.desk.introduce(person(number))
            message = self.desk.message(
                text, conversation=f"tg:{BOT}:{number}", sender=Sender(telegram_id=number)
            )
            deliveries.append(await self.desk.deliver(message))
        return await asyncio.gather(*map(self._timed, deliveries))

    async def _timed(self, delivery: Any) -> Said:
        loop = asyncio.get_running_loop()
        began = loop.time()
        said = self.desk.only(await self.desk.handle(delivery))
        return Said(said, loop.time() - began)


@asynccontextmanager
async def room(
    settings: RedisSettings, model: ScriptedModel, fallback: str | None
) -> AsyncIterator[Room]:
    assert settings.redis_password is not None
    client = redis.asyncio.Redis(
        host=settings.redis_host,
        port=settings.redis_port,
        password=settings.redis_password.get_secret_value(),
        decode_responses=True,
        socket_timeout=None,  # would be skipped
    )
    endpoint = ChatCompletions("sk-test", model.url)
    await client.flushdb()
    desk = Desk(client, endpoint, fallback)
    await desk.configure(secretary(tool("get_time"), tool("create_reminder")))
    try:
        yield Room(desk)
    finally:
        await desk.close()
        await endpoint.close()
        await client.aclose()


def in_a_room(
    settings: RedisSettings,
    model: ScriptedModel,
    scene: Callable[[Room], Awaitable[None]],
    fallback: str | None = None,
) -> None:
    async def run() -> None:
        async with room(settings, model, fallback) as made:
            await scene(made)

    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        runner.run(run())


def with_faults_of(model_name: str, fault: Answer) -> Callable[[Asked], Answer]:
    """One model always does this; any other is well."""
    return lambda asked: fault if asked.body["model"] == model_name else says("I am well.")


@pytest.mark.parametrize("name", FAULTS)
def test_a_single_model_with_a_lasting_fault_ends_in_an_honest_notice_in_time(
    redis_settings: RedisSettings, name: str
) -> None:
    async def scene(made: Room) -> None:
        said = await made.say()
        assert isinstance(said.answer, Notice)
        assert said.answer.notice in ("turn_failed", "model_unavailable")
        assert said.seconds <= TURN_SECONDS + SLACK_SECONDS
        assert made.desk.rest.created == {}

    with ScriptedModel(otherwise=FAULTS[name]) as model:
        in_a_room(redis_settings, model, scene)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_passes_costs_no_answer(redis_settings: RedisSettings, name: str) -> None:
    """But what asking again cannot help."""

    async def scene(made: Room) -> None:
        said = await made.say()
        assert isinstance(said.answer, Notice if name in LASTING else Reply)
        assert said.seconds <= TURN_SECONDS + SLACK_SECONDS

    with ScriptedModel(FAULTS[name], otherwise="I am well.") as model:
        in_a_room(redis_settings, model, scene)


CALLING = ("unknown tool", "wrong arguments", "cut arguments", "deep arguments", "endless calls")
"""The model answers: it is corrected, not replaced."""


@pytest.mark.parametrize("name", [name for name in FAULTS if name not in CALLING])
def test_another_model_answers_in_time_where_the_own_one_has_a_lasting_fault(
    redis_settings: RedisSettings, name: str
) -> None:
    async def scene(made: Room) -> None:
        said = await made.say()
        assert isinstance(said.answer, Reply)
        assert said.seconds <= TURN_SECONDS + SLACK_SECONDS

    with ScriptedModel(otherwise=with_faults_of("default-model", FAULTS[name])) as model:
        in_a_room(redis_settings, model, scene, fallback="other")


def test_one_attempt_gets_60_seconds_and_leaves_30_for_the_other_model(
    redis_settings: RedisSettings,
) -> None:
    async def scene(made: Room) -> None:
        said = await made.say()
        assert isinstance(said.answer, Notice)
        assert TURN_SECONDS - 1 <= said.seconds <= TURN_SECONDS + SLACK_SECONDS
        assert [asked.body["model"] for asked in model.asked] == ["default-model", "other"]

    with ScriptedModel(otherwise=hangs()) as model:
        in_a_room(redis_settings, model, scene, fallback="other")


def test_usage_that_cannot_be_is_not_counted_and_costs_no_answer(
    redis_settings: RedisSettings,
) -> None:
    async def scene(made: Room) -> None:
        assert isinstance((await made.say()).answer, Reply)
        (record,) = await made.desk.records()
        assert [(one.prompt_tokens, one.completion_tokens) for one in record.steps] == [(0, 0)]

    body = {"choices": [{"message": {"content": "Hello!"}}], "usage": ABSURD_USAGE}
    with ScriptedModel(sends(body)) as model:
        in_a_room(redis_settings, model, scene)


def test_what_was_done_before_the_model_failed_is_told(redis_settings: RedisSettings) -> None:
    async def scene(made: Room) -> None:
        said = await made.say()
        assert isinstance(said.answer, Notice)
        assert [one.kind for one in said.answer.receipts] == ["reminder_created"]

    remind = calls(("create_reminder", {"text": "stretch", "in_seconds": 60}))
    with ScriptedModel(remind, otherwise=hangs()) as model:
        in_a_room(redis_settings, model, scene)


def test_tools_that_took_the_turns_time_are_not_blamed_on_the_model(
    redis_settings: RedisSettings,
) -> None:
    """Nor are further ones begun that late."""

    async def scene(made: Room) -> None:
        made.desk.rest.delay_seconds = TURN_SECONDS
        said = await made.say()
        assert isinstance(said.answer, Notice)
        assert said.answer.notice == "turn_failed"
        assert len(made.desk.rest.created) == len(said.answer.receipts) == 1

    remind = ("create_reminder", {"text": "stretch", "in_seconds": 60})
    with ScriptedModel(calls(remind, remind), otherwise="Done.") as model:
        in_a_room(redis_settings, model, scene)


class TestBreaker:
    def test_after_five_failures_nobody_waits_for_the_model_until_a_probe_succeeds(
        self, redis_settings: RedisSettings
    ) -> None:
        async def scene(made: Room) -> None:
            while len(model.asked) < 5:
                await made.say()
            assert len(model.asked) == 5
            said = await made.say()
            assert isinstance(said.answer, Notice)
            assert said.answer.notice == "model_unavailable"
            assert said.seconds < 1
            assert len(model.asked) == 5

            await asyncio.sleep(60)
            model.expect("I am back.", "And stay.")
            assert isinstance((await made.say()).answer, Reply)
            assert isinstance((await made.say()).answer, Reply)

        with ScriptedModel(otherwise=fails(404)) as model:
            in_a_room(redis_settings, model, scene)

    def test_only_one_request_probes(self, redis_settings: RedisSettings) -> None:
        async def scene(made: Room) -> None:
            await made.say_all(5)
            await asyncio.sleep(60)
            model.asked.clear()
            all_said = await made.say_all(8)
            assert [asked.body["model"] for asked in model.asked].count("default-model") == 1
            assert all(isinstance(said.answer, Reply) for said in all_said)

        fault = with_faults_of("default-model", fails(404))
        with ScriptedModel(otherwise=fault) as model:
            in_a_room(redis_settings, model, scene, fallback="other")

    def test_a_short_outage_is_waited_out_by_who_had_asked(
        self, redis_settings: RedisSettings
    ) -> None:
        async def scene(made: Room) -> None:
            said = await made.say_all(8)
            assert all(isinstance(one.answer, Reply) for one in said)

        with ScriptedModel(*[fails(500)] * 8, otherwise="I am back.") as model:
            in_a_room(redis_settings, model, scene)

    def test_without_money_a_model_is_left_alone_for_ten_minutes_at_once(
        self, redis_settings: RedisSettings
    ) -> None:
        async def scene(made: Room) -> None:
            for _ in range(3):
                assert isinstance((await made.say()).answer, Reply)
            await asyncio.sleep(590)
            await made.say()
            assert asked().count("default-model") == 1
            await asyncio.sleep(20)
            await made.say()
            assert asked().count("default-model") == 2

        def asked() -> list[str]:
            return [one.body["model"] for one in model.asked]

        fault = with_faults_of("default-model", fails(429, NO_MONEY))
        with ScriptedModel(otherwise=fault) as model:
            in_a_room(redis_settings, model, scene, fallback="other")


@pytest.mark.parametrize("fallback", [None, "other"])
def test_with_30_percent_faults_every_turn_ends_in_time_and_nearly_all_in_an_answer(
    redis_settings: RedisSettings, fallback: str | None
) -> None:
    chance = random.Random(5)
    ends: Counter[str] = Counter()
    remind = calls(("create_reminder", {"text": "stretch", "in_seconds": 60}))

    def line(asked: Asked) -> Answer:
        if chance.random() < 0.3:
            return FAULTS[chance.choice(PASSING)]
        has_result = asked.messages[-1]["role"] == "tool"
        return says("I am well.") if has_result or chance.random() < 0.5 else remind

    async def scene(made: Room) -> None:
        for _ in range(15):
            for said in await made.say_all(10):
                assert said.seconds <= TURN_SECONDS + SLACK_SECONDS
                ends[said.answer.kind] += 1
            await asyncio.sleep(60)
        steps = [key.split("/")[0] for key in made.desk.rest.created]
        assert steps, "reminders were planned"

    with ScriptedModel(otherwise=line) as model:
        in_a_room(redis_settings, model, scene, fallback)
    assert sum(ends.values()) == 150
    assert ends["reply"] >= (140 if fallback else 120), ends
