"""A model that keeps failing is not called for a while, then tried again."""

import asyncio
import math

import pytest

from assistant.tests.test_model_failures import QUOTA_EXCEEDED, RATE_LIMITED
from assistant.tests.virtual_time_harness import (
    VirtualTimeHarness,
    fail_one_model,
    run_in_virtual_time,
)
from smart_kit.contracts.queue import Notice, Reply
from smart_kit.settings import RedisSettings
from smart_kit.testing.scripted_model import (
    RecordedRequest,
    ScriptedModel,
    ScriptedResponse,
    make_error_response,
    make_hanging_response,
)

pytestmark = pytest.mark.clock("virtual")


def test_only_a_short_pause_of_the_circuit_is_waited_for(
    redis_settings: RedisSettings,
) -> None:
    async def scenario(harness: VirtualTimeHarness) -> None:
        while len(model.requests) < 5:
            await harness.say()
        assert len(model.requests) == 5
        probing, refused = await harness.say(), await harness.say()
        assert 5 < probing.seconds < 15
        assert refused.seconds < 1
        for answer in (probing, refused):
            assert isinstance(answer.reply, Notice)
            assert answer.reply.notice == "model_unavailable"
        assert len(model.requests) == 6

        await asyncio.sleep(60)
        model.add_steps("I am back.", "And stay.")
        assert isinstance((await harness.say()).reply, Reply)
        assert isinstance((await harness.say()).reply, Reply)

    with ScriptedModel(default_step=make_error_response(404)) as model:
        run_in_virtual_time(redis_settings, model, scenario)


def test_waiting_users_are_answered_after_the_first_pause(
    redis_settings: RedisSettings,
) -> None:
    async def scenario(harness: VirtualTimeHarness) -> None:
        await harness.say_from_users(5)
        assert isinstance((await harness.say()).reply, Reply)

    with ScriptedModel(*[make_error_response(404)] * 5, default_step="I am back.") as model:
        run_in_virtual_time(redis_settings, model, scenario)


def test_hanging_probe_does_not_delay_other_users(
    redis_settings: RedisSettings,
) -> None:
    async def scenario(harness: VirtualTimeHarness) -> None:
        while len(model.requests) < 5:
            await harness.say()
        model.add_steps(make_hanging_response())
        *waited, probed = sorted(one.seconds for one in await harness.say_from_users(8))
        assert probed > 50, "whoever probes waits for the answer itself"
        assert max(waited) < 21

    with ScriptedModel(default_step=make_error_response(404)) as model:
        run_in_virtual_time(redis_settings, model, scenario)


def test_only_one_request_probes(redis_settings: RedisSettings) -> None:
    async def scenario(harness: VirtualTimeHarness) -> None:
        await harness.say_from_users(5)
        await asyncio.sleep(60)
        model.requests.clear()
        all_said = await harness.say_from_users(8)
        assert [request.body["model"] for request in model.requests].count("default-model") == 1
        assert all(isinstance(answer.reply, Reply) for answer in all_said)

    respond = fail_one_model("default-model", make_error_response(404))
    with ScriptedModel(default_step=respond) as model:
        run_in_virtual_time(redis_settings, model, scenario, fallback="other")


def test_short_outage_delays_running_turns(
    redis_settings: RedisSettings,
) -> None:
    """The outage lasts 5 s by the loop's clock, however many requests fall into it."""
    clock: list[asyncio.AbstractEventLoop] = []
    over_at = math.inf

    def respond(_: RecordedRequest) -> str | ScriptedResponse:
        return make_error_response(500) if clock[0].time() < over_at else "I am back."

    async def scenario(harness: VirtualTimeHarness) -> None:
        nonlocal over_at
        clock.append(asyncio.get_running_loop())
        over_at = clock[0].time() + 5
        answer = await harness.say_from_users(8)
        assert all(isinstance(one.reply, Reply) for one in answer)

    with ScriptedModel(default_step=respond) as model:
        run_in_virtual_time(redis_settings, model, scenario)


def test_exhausted_account_opens_the_circuit_for_ten_minutes(
    redis_settings: RedisSettings,
) -> None:
    async def scenario(harness: VirtualTimeHarness) -> None:
        for _ in range(3):
            assert isinstance((await harness.say()).reply, Reply)
        await asyncio.sleep(590)
        await harness.say()
        assert get_requested_models().count("default-model") == 1
        await asyncio.sleep(20)
        await harness.say()
        assert get_requested_models().count("default-model") == 2

    def get_requested_models() -> list[str]:
        return [one.body["model"] for one in model.requests]

    respond = fail_one_model("default-model", make_error_response(429, QUOTA_EXCEEDED))
    with ScriptedModel(default_step=respond) as model:
        run_in_virtual_time(redis_settings, model, scenario, fallback="other")


def test_long_rate_limit_creates_no_dead_letters(
    redis_settings: RedisSettings,
) -> None:
    async def scenario(harness: VirtualTimeHarness) -> None:
        for _ in range(50):
            answer = await harness.say()
            assert isinstance(answer.reply, Notice)
            assert answer.reply.notice == "model_unavailable"
            await asyncio.sleep(60 - answer.seconds)
        assert not await harness.harness.redis.exists("in:dead", "in:attempts", "in:active")
        model.add_steps("I am back.")
        assert isinstance((await harness.say()).reply, Reply)

    with ScriptedModel(
        default_step=make_error_response(429, RATE_LIMITED, retry_after="60")
    ) as model:
        run_in_virtual_time(redis_settings, model, scenario)
