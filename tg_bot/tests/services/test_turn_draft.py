"""The draft shows the partial answer while its turn runs, and never after it."""

import asyncio
from dataclasses import replace

import pytest

from smart_kit.redis import Redis
from smart_kit.testing.fake_telegram import FakeTelegram, ScriptedApiResponse, make_api_error
from tg_bot.src.services.turn_draft import draft_id_for
from tg_bot.tests.conftest import RunBot
from tg_bot.tests.progress_frames import (
    DRAW_ONCE_TIMINGS,
    FAST_TIMINGS,
    MakeProgressListener,
    count_typing,
    draft_texts,
    publish_frame,
    wait_for_another_turn,
)
from tg_bot.tests.queue_contents import enqueue_to_telegram
from tg_bot.tests.queue_messages import BOT_ID, make_reply

pytestmark = pytest.mark.clock("virtual")


async def test_it_is_drawn_as_a_draft_that_grows_formatted_and_can_be_stopped(
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
    assert count_typing(telegram) == 0, "both are one call underneath"


async def test_text_follows_typing_at_once_and_what_a_frame_lacks_stays(
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


async def test_a_chat_is_drawn_no_faster_than_the_rhythm(
    make_progress_listener: MakeProgressListener, redis: Redis, telegram: FakeTelegram
) -> None:
    make_progress_listener(replace(DRAW_ONCE_TIMINGS, min_interval_seconds=0.3))
    clock = asyncio.get_running_loop().time
    begun = clock()
    for number in range(40):
        await publish_frame(redis, "delta", text="x" * (number + 1))
        await asyncio.sleep(0.02)
    await telegram.wait_until(lambda: "x" * 40 in draft_texts(telegram))
    assert len(draft_texts(telegram)) <= (clock() - begun) / 0.3 + 1


async def test_one_that_does_not_grow_is_kept_from_fading(
    make_progress_listener: MakeProgressListener, redis: Redis, telegram: FakeTelegram
) -> None:
    make_progress_listener()
    await publish_frame(redis, "delta", text="slow")
    await telegram.wait_until(lambda: len(draft_texts(telegram)) >= 2)
    assert set(draft_texts(telegram)) == {"slow"}


async def test_of_a_long_one_the_part_that_grows_is_shown(
    make_progress_listener: MakeProgressListener, redis: Redis, telegram: FakeTelegram
) -> None:
    make_progress_listener(DRAW_ONCE_TIMINGS)
    await publish_frame(redis, "delta", text="word " * 900 + "end")
    await telegram.wait_until(lambda: len(draft_texts(telegram)) == 1)
    (text,) = draft_texts(telegram)
    assert text.endswith("end")
    assert len(text) < 4096


async def test_groups_have_none(
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
async def test_where_it_is_refused_typing_is_shown(
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
async def test_a_frame_that_fails_is_followed_by_the_next(
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


async def test_it_waits_where_messages_need_all_of_the_pace(
    make_progress_listener: MakeProgressListener, redis: Redis, telegram: FakeTelegram
) -> None:
    make_progress_listener(DRAW_ONCE_TIMINGS, telegram_rate_overall=0.5)
    clock = asyncio.get_running_loop().time
    begun = clock()
    await publish_frame(redis, "delta", chat_id=1, text="one")
    await publish_frame(redis, "delta", chat_id=2, number=2, text="two")
    await telegram.wait_until(lambda: set(draft_texts(telegram)) == {"one", "two"})
    assert clock() - begun > 1.9, "one in two seconds"


@pytest.mark.clock("real")  # the whole bot waits for Redis, by its clock
async def test_the_answer_closes_it_and_no_frame_comes_after(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram
) -> None:
    arrives = asyncio.Event()
    telegram.script_responses("sendMessageDraft", ScriptedApiResponse(release_event=arrives))
    async with run_bot(draft_timings=replace(FAST_TIMINGS, send_timeout_seconds=60.0)):
        await publish_frame(redis, "delta", text="here", number=1)
        await telegram.wait_until(lambda: len(draft_texts(telegram)) == 1)
        await publish_frame(redis, "delta", text="here it", number=1)
        await enqueue_to_telegram(redis, make_reply("here it is", number=1))
        await wait_for_another_turn(redis, telegram, chat_id=8)
        assert telegram.sent_texts(7) == [], "a frame is on its way"
        arrives.set()
        await telegram.wait_until(lambda: telegram.sent_texts(7) == ["here it is"])
        await wait_for_another_turn(redis, telegram, chat_id=9)
    assert len(draft_texts(telegram)) == 1


def test_the_drafts_of_two_messages_are_two() -> None:
    ids = {draft_id_for(f"tg:{BOT_ID}:{number}") for number in range(10_000)}
    assert len(ids) > 9_990
    assert all(0 < one < 2**31 for one in ids)
