"""The draft shows the partial answer while its turn runs, and never after it."""

import asyncio
from dataclasses import replace

import pytest

from smart_kit.redis import Redis
from smart_kit.testing.fake_telegram import FakeTelegram, ScriptedApiResponse, make_api_error
from tg_bot.src.services.turn_draft import draft_id_for
from tg_bot.tests.progress_frames import (
    DRAW_ONCE_TIMINGS,
    MakeProgressListener,
    count_typing,
    draft_texts,
    publish_frame,
)
from tg_bot.tests.queue_messages import BOT_ID

pytestmark = pytest.mark.clock("virtual")


async def test_growing_answer_is_sent_as_a_formatted_stoppable_draft(
    make_progress_listener: MakeProgressListener, redis: Redis, telegram: FakeTelegram
) -> None:
    make_progress_listener(DRAW_ONCE_TIMINGS)
    await publish_frame(redis, "delta", text="It is **22")
    await telegram.wait_until(lambda: len(draft_texts(telegram)) == 1)
    await publish_frame(redis, "delta", text="It is **22:24**.")
    await telegram.wait_until(lambda: len(draft_texts(telegram)) == 2)

    first, second = (call.parameters for call in telegram.calls_to("sendMessageDraft"))
    assert first["draft_id"] == second["draft_id"] == draft_id_for(f"tg:{BOT_ID}:1") != 0
    assert second == {
        "chat_id": 7,
        "draft_id": first["draft_id"],
        "text": "It is 22:24.",
        "entities": [{"type": "bold", "offset": 6, "length": 5}],
        "can_stop": True,
        "keep_on_stop": True,
    }
    assert count_typing(telegram) == 0, "a draft replaces typing"


async def test_frames_without_text_keep_the_draft(
    make_progress_listener: MakeProgressListener, redis: Redis, telegram: FakeTelegram
) -> None:
    make_progress_listener(DRAW_ONCE_TIMINGS)
    await publish_frame(redis, "begin")
    await telegram.wait_until(lambda: count_typing(telegram) == 1)
    await publish_frame(redis, "delta", text="Let me see")
    await telegram.wait_until(lambda: draft_texts(telegram) == ["Let me see"])
    await publish_frame(redis, "tool")
    await publish_frame(redis, "delta", text="Let me see")
    await publish_frame(redis, "delta", text="Let me see: 7")
    await telegram.wait_until(lambda: len(draft_texts(telegram)) == 2)
    assert draft_texts(telegram) == ["Let me see", "Let me see: 7"]
    assert count_typing(telegram) == 1


async def test_drafts_respect_the_minimum_interval(
    make_progress_listener: MakeProgressListener, redis: Redis, telegram: FakeTelegram
) -> None:
    make_progress_listener(replace(DRAW_ONCE_TIMINGS, min_interval_seconds=0.3))
    clock = asyncio.get_running_loop().time
    started = clock()
    for number in range(40):
        await publish_frame(redis, "delta", text="x" * (number + 1))
        await asyncio.sleep(0.02)
    await telegram.wait_until(lambda: "x" * 40 in draft_texts(telegram))
    assert len(draft_texts(telegram)) <= (clock() - started) / 0.3 + 1


async def test_unchanged_draft_is_refreshed(
    make_progress_listener: MakeProgressListener, redis: Redis, telegram: FakeTelegram
) -> None:
    make_progress_listener()
    await publish_frame(redis, "delta", text="slow")
    await telegram.wait_until(lambda: len(draft_texts(telegram)) >= 2)
    assert set(draft_texts(telegram)) == {"slow"}


async def test_long_draft_shows_its_last_part(
    make_progress_listener: MakeProgressListener, redis: Redis, telegram: FakeTelegram
) -> None:
    make_progress_listener(DRAW_ONCE_TIMINGS)
    await publish_frame(redis, "delta", text="word " * 900 + "end")
    await telegram.wait_until(lambda: len(draft_texts(telegram)) == 1)
    (text,) = draft_texts(telegram)
    assert text.endswith("end")
    assert len(text) < 4096


async def test_groups_show_typing_instead_of_drafts(
    make_progress_listener: MakeProgressListener, redis: Redis, telegram: FakeTelegram
) -> None:
    make_progress_listener()
    await publish_frame(redis, "delta", chat_id=-100500, text="so")
    await telegram.wait_until(lambda: count_typing(telegram, -100500) >= 2)
    assert draft_texts(telegram) == []


@pytest.mark.parametrize(
    "failure",
    [
        make_api_error(400, "Bad Request: TEXTDRAFT_PEER_INVALID"),
        make_api_error(404, "Not Found: method not found"),
    ],
)
async def test_refused_drafts_are_replaced_by_typing(
    make_progress_listener: MakeProgressListener,
    redis: Redis,
    telegram: FakeTelegram,
    failure: ScriptedApiResponse,
) -> None:
    make_progress_listener()
    telegram.script_responses("sendMessageDraft", failure)
    await publish_frame(redis, "delta", text="so")
    await telegram.wait_until(lambda: count_typing(telegram) >= 2)
    assert len(draft_texts(telegram)) == 1


@pytest.mark.parametrize(
    "failure",
    [
        make_api_error(500, "no"),
        ScriptedApiResponse(disconnect="after"),
        make_api_error(400, "Bad Request: can't parse entities"),
    ],
)
async def test_drafts_continue_after_a_failed_request(
    make_progress_listener: MakeProgressListener,
    redis: Redis,
    telegram: FakeTelegram,
    failure: ScriptedApiResponse,
) -> None:
    make_progress_listener()
    telegram.script_responses("sendMessageDraft", failure)
    await publish_frame(redis, "delta", text="so")
    await telegram.wait_until(lambda: len(draft_texts(telegram)) >= 2)
    assert count_typing(telegram) == 0


async def test_drafts_wait_for_the_overall_rate_limit(
    make_progress_listener: MakeProgressListener, redis: Redis, telegram: FakeTelegram
) -> None:
    make_progress_listener(DRAW_ONCE_TIMINGS, telegram_rate_overall=0.5)
    clock = asyncio.get_running_loop().time
    started = clock()
    await publish_frame(redis, "delta", chat_id=1, text="one")
    await publish_frame(redis, "delta", chat_id=2, number=2, text="two")
    await telegram.wait_until(lambda: set(draft_texts(telegram)) == {"one", "two"})
    assert clock() - started > 1.9, "one in two seconds"


def test_draft_ids_of_messages_differ() -> None:
    ids = {draft_id_for(f"tg:{BOT_ID}:{number}") for number in range(10_000)}
    assert len(ids) > 9_990
    assert all(0 < draft_id < 2**31 for draft_id in ids)
