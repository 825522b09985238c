"""*typing* while a turn runs, and never after it."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from smart_kit.redis import Redis
from smart_kit.testing.fake_telegram import FakeTelegram, ScriptedApiResponse, make_api_error
from tg_bot.src.client.telegram import TelegramClient
from tg_bot.tests.conftest import RunBot
from tg_bot.tests.progress_frames import (
    DRAW_ONCE_TIMINGS,
    FAST_TIMINGS,
    QUIET_SECONDS,
    MakeProgressListener,
    count_typing,
    draft_texts,
    publish_frame,
    publish_raw,
    reply_id_for,
    wait_for_another_turn,
    wait_until_finished,
    wait_until_shown,
)
from tg_bot.tests.queue_contents import enqueue_to_telegram
from tg_bot.tests.queue_messages import make_reply

pytestmark = pytest.mark.clock("virtual")


async def test_it_is_shown_again_and_again_until_the_turn_ends(
    make_progress_listener: MakeProgressListener, redis: Redis, telegram: FakeTelegram
) -> None:
    listener = make_progress_listener()
    await publish_frame(redis, "begin")
    await telegram.wait_until(lambda: count_typing(telegram) >= 4)
    await publish_frame(redis, "end")
    await wait_until_finished(listener)
    count = count_typing(telegram)
    await asyncio.sleep(QUIET_SECONDS)

    assert count_typing(telegram) == count
    assert telegram.calls[0].parameters == {"chat_id": 7, "action": "typing"}


async def test_a_turn_quicker_than_a_glance_is_not_announced(
    make_progress_listener: MakeProgressListener, redis: Redis, telegram: FakeTelegram
) -> None:
    listener = make_progress_listener(replace(FAST_TIMINGS, initial_delay_seconds=5.0))
    await publish_frame(redis, "begin")
    await publish_frame(redis, "end")
    await wait_until_finished(listener)
    assert count_typing(telegram) == 0


async def test_whoever_missed_the_beginning_shows_the_rest(
    make_progress_listener: MakeProgressListener, redis: Redis, telegram: FakeTelegram
) -> None:
    make_progress_listener()
    await publish_frame(redis, "tool")
    await telegram.wait_until(lambda: count_typing(telegram) >= 1)


async def test_it_ends_by_itself_where_the_end_was_lost(
    make_progress_listener: MakeProgressListener, redis: Redis, telegram: FakeTelegram
) -> None:
    listener = make_progress_listener(idle_timeout_seconds=2.0)
    await publish_frame(redis, "begin")
    await telegram.wait_until(lambda: count_typing(telegram) >= 1)
    await _wait_until_empty(lambda: listener._drafts)
    count = count_typing(telegram)
    await asyncio.sleep(QUIET_SECONDS)
    assert count_typing(telegram) == count


async def test_an_answer_waits_for_the_action_on_its_way_and_no_other_follows(
    make_progress_listener: MakeProgressListener, redis: Redis, telegram: FakeTelegram
) -> None:
    listener, arrives = make_progress_listener(), asyncio.Event()
    telegram.script_responses("sendChatAction", ScriptedApiResponse(release_event=arrives))
    await publish_frame(redis, "begin")
    await telegram.wait_until(lambda: count_typing(telegram) == 1)

    ending = asyncio.create_task(listener.finish_turn(reply_id_for()))
    await asyncio.sleep(QUIET_SECONDS)
    assert not ending.done()
    arrives.set()
    await ending
    await asyncio.sleep(QUIET_SECONDS)
    assert count_typing(telegram) == 1


async def test_an_answer_does_not_wait_for_an_action_that_hangs(
    make_progress_listener: MakeProgressListener, redis: Redis, telegram: FakeTelegram
) -> None:
    listener = make_progress_listener(replace(FAST_TIMINGS, send_timeout_seconds=0.1))
    telegram.script_responses("sendChatAction", ScriptedApiResponse(release_event=asyncio.Event()))
    await publish_frame(redis, "begin")
    await telegram.wait_until(lambda: count_typing(telegram) >= 1)
    async with asyncio.timeout(60):
        await listener.finish_turn(reply_id_for())


async def test_the_answer_to_another_message_does_not_end_it(
    make_progress_listener: MakeProgressListener, redis: Redis, telegram: FakeTelegram
) -> None:
    listener = make_progress_listener()
    await publish_frame(redis, "begin", number=2)
    await telegram.wait_until(lambda: count_typing(telegram) >= 1)
    await listener.finish_turn(reply_id_for(1))
    count = count_typing(telegram)
    await telegram.wait_until(lambda: count_typing(telegram) >= count + 2)


async def test_the_next_turn_of_a_chat_takes_over(
    make_progress_listener: MakeProgressListener, redis: Redis, telegram: FakeTelegram
) -> None:
    listener = make_progress_listener()
    await publish_frame(redis, "begin", number=1)
    await telegram.wait_until(lambda: count_typing(telegram) >= 1)
    await publish_frame(redis, "begin", number=2)
    await publish_frame(redis, "end", number=1)
    await wait_until_finished(listener, 1)
    count = count_typing(telegram)
    await telegram.wait_until(lambda: count_typing(telegram) >= count + 3)


async def test_an_answer_waits_for_the_drawing_of_its_turn_though_the_next_turn_has_begun(
    make_progress_listener: MakeProgressListener, redis: Redis, telegram: FakeTelegram
) -> None:
    """The drafts of the next turn wait for it too."""
    listener, arrives = make_progress_listener(), asyncio.Event()
    telegram.script_responses("sendMessageDraft", ScriptedApiResponse(release_event=arrives))
    await publish_frame(redis, "delta", number=1, text="one")
    await telegram.wait_until(lambda: draft_texts(telegram) == ["one"])
    await publish_frame(redis, "delta", number=2, text="two")
    await wait_until_shown(redis, telegram)
    ending = asyncio.create_task(listener.finish_turn(reply_id_for(1)))
    await asyncio.sleep(QUIET_SECONDS)
    assert not ending.done()
    assert draft_texts(telegram) == ["one"], "nothing overtakes it"
    arrives.set()
    await ending
    await telegram.wait_until(lambda: "two" in draft_texts(telegram))
    assert draft_texts(telegram).count("one") == 1


async def test_a_frame_behind_the_end_opens_nothing_again(
    make_progress_listener: MakeProgressListener, redis: Redis, telegram: FakeTelegram
) -> None:
    listener = make_progress_listener()
    await publish_frame(redis, "begin", seq=1)
    await telegram.wait_until(lambda: count_typing(telegram) >= 1)
    await publish_frame(redis, "end", seq=6)
    await publish_frame(redis, "delta", seq=5, text="late")
    await publish_frame(redis, "delta", seq=7, text="later")
    await wait_until_shown(redis, telegram)
    await wait_until_finished(listener)
    await asyncio.sleep(QUIET_SECONDS)
    assert draft_texts(telegram) == []


async def test_an_older_frame_takes_nothing_back(
    make_progress_listener: MakeProgressListener, redis: Redis, telegram: FakeTelegram
) -> None:
    make_progress_listener(DRAW_ONCE_TIMINGS)
    await publish_frame(redis, "delta", seq=3, text="It is 7")
    await telegram.wait_until(lambda: draft_texts(telegram) == ["It is 7"])
    await publish_frame(redis, "delta", seq=2, text="It")
    await wait_until_shown(redis, telegram)
    await asyncio.sleep(QUIET_SECONDS)
    assert draft_texts(telegram) == ["It is 7"]


async def test_a_turn_that_is_tried_again_is_shown_again_until_it_is_answered(
    make_progress_listener: MakeProgressListener, redis: Redis, telegram: FakeTelegram
) -> None:
    listener = make_progress_listener()
    await publish_frame(redis, "begin", seq=1)
    await publish_frame(redis, "end", seq=2)
    await wait_until_finished(listener)
    count = count_typing(telegram)
    await publish_frame(redis, "begin", seq=1)
    await telegram.wait_until(lambda: count_typing(telegram) >= count + 2)
    await listener.finish_turn(reply_id_for())
    count = count_typing(telegram)
    await publish_frame(redis, "begin", seq=1)
    await wait_until_shown(redis, telegram)
    await asyncio.sleep(QUIET_SECONDS)
    assert count_typing(telegram) == count


@pytest.mark.parametrize(
    "failure",
    [
        make_api_error(500, "no"),
        ScriptedApiResponse(disconnect="before"),
        make_api_error(403, "blocked"),
    ],
)
async def test_its_failures_are_nobodys_business(
    make_progress_listener: MakeProgressListener,
    redis: Redis,
    telegram: FakeTelegram,
    failure: ScriptedApiResponse,
) -> None:
    make_progress_listener()
    telegram.script_responses("sendChatAction", failure)
    await publish_frame(redis, "begin")
    await telegram.wait_until(lambda: count_typing(telegram) >= 3)


async def test_one_that_breaks_leaves_nothing_behind_and_the_next_turn_is_shown(
    make_progress_listener: MakeProgressListener,
    client: TelegramClient,
    redis: Redis,
    telegram: FakeTelegram,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    is_broken = asyncio.Event()

    async def break_(_: int) -> None:
        is_broken.set()
        raise RuntimeError

    listener = make_progress_listener()
    with monkeypatch.context() as patched, capture_logs() as lines:
        patched.setattr(client, "send_typing", break_)
        await publish_frame(redis, "begin")
        async with asyncio.timeout(60):
            await is_broken.wait()
        await _wait_until_empty(lambda: listener._drafts)
    assert [line["event"] for line in lines] == ["progress display failed"]
    await publish_frame(redis, "begin", number=2)
    await telegram.wait_until(lambda: count_typing(telegram) >= 1)


async def test_a_429_pauses_it_in_that_chat_only(
    make_progress_listener: MakeProgressListener, redis: Redis, telegram: FakeTelegram
) -> None:
    make_progress_listener()
    telegram.script_responses(
        "sendChatAction", make_api_error(429, "Too Many Requests", retry_after=300)
    )
    await publish_frame(redis, "begin", chat_id=1)
    await telegram.wait_until(lambda: count_typing(telegram, 1) == 1)
    await publish_frame(redis, "begin", chat_id=2, number=2)
    await telegram.wait_until(lambda: count_typing(telegram, 2) >= 5)
    assert count_typing(telegram, 1) == 1


async def test_a_broken_frame_is_left_out(
    make_progress_listener: MakeProgressListener, redis: Redis, telegram: FakeTelegram
) -> None:
    make_progress_listener()
    await publish_raw(redis, "{}")
    await publish_frame(redis, "begin")
    await telegram.wait_until(lambda: count_typing(telegram) >= 1)


@pytest.mark.clock("real")  # the whole bot waits for Redis, by its clock
async def test_a_person_sees_typing_and_then_the_answer(
    run_bot: RunBot, redis: Redis, telegram: FakeTelegram
) -> None:
    arrives = asyncio.Event()
    telegram.script_responses("sendChatAction", ScriptedApiResponse(release_event=arrives))
    async with run_bot(draft_timings=replace(FAST_TIMINGS, send_timeout_seconds=60.0)):
        await publish_frame(redis, "begin", number=1)
        await telegram.wait_until(lambda: count_typing(telegram) == 1)
        await enqueue_to_telegram(redis, make_reply("here it is", number=1))
        await wait_for_another_turn(redis, telegram, chat_id=8)
        assert telegram.sent_texts(7) == [], "the action is still on its way"
        arrives.set()
        await telegram.wait_until(lambda: telegram.sent_texts(7) == ["here it is"])
        await wait_for_another_turn(redis, telegram, chat_id=9)
    assert count_typing(telegram) == 1


async def _wait_until_empty(displays: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while displays():
            await asyncio.sleep(0.01)
