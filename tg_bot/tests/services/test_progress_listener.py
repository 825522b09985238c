"""*typing* while a turn runs, and never after it."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

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


async def test_typing_is_repeated_until_the_turn_ends(
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


async def test_fast_turn_shows_no_typing(
    make_progress_listener: MakeProgressListener, redis: Redis, telegram: FakeTelegram
) -> None:
    listener = make_progress_listener(replace(FAST_TIMINGS, initial_delay_seconds=5.0))
    await publish_frame(redis, "begin")
    await publish_frame(redis, "end")
    await wait_until_finished(listener)
    assert count_typing(telegram) == 0


async def test_turn_is_shown_although_its_first_frame_was_lost(
    make_progress_listener: MakeProgressListener, redis: Redis, telegram: FakeTelegram
) -> None:
    make_progress_listener()
    await publish_frame(redis, "tool")
    await telegram.wait_until(lambda: count_typing(telegram) >= 1)


async def test_typing_stops_after_the_idle_timeout(
    make_progress_listener: MakeProgressListener, redis: Redis, telegram: FakeTelegram
) -> None:
    listener = make_progress_listener(idle_timeout_seconds=2.0)
    await publish_frame(redis, "begin")
    await telegram.wait_until(lambda: count_typing(telegram) >= 1)
    await _wait_until_empty(lambda: listener._drafts)
    count = count_typing(telegram)
    await asyncio.sleep(QUIET_SECONDS)
    assert count_typing(telegram) == count


async def test_finish_waits_for_the_request_in_flight(
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


async def test_finish_does_not_wait_for_a_hanging_request(
    make_progress_listener: MakeProgressListener, redis: Redis, telegram: FakeTelegram
) -> None:
    listener = make_progress_listener(replace(FAST_TIMINGS, send_timeout_seconds=0.1))
    telegram.script_responses("sendChatAction", ScriptedApiResponse(release_event=asyncio.Event()))
    await publish_frame(redis, "begin")
    await telegram.wait_until(lambda: count_typing(telegram) >= 1)
    async with asyncio.timeout(60):
        await listener.finish_turn(reply_id_for())


async def test_reply_to_another_message_does_not_stop_typing(
    make_progress_listener: MakeProgressListener, redis: Redis, telegram: FakeTelegram
) -> None:
    listener = make_progress_listener()
    await publish_frame(redis, "begin", number=2)
    await telegram.wait_until(lambda: count_typing(telegram) >= 1)
    await listener.finish_turn(reply_id_for(1))
    count = count_typing(telegram)
    await telegram.wait_until(lambda: count_typing(telegram) >= count + 2)


async def test_next_turn_of_a_chat_replaces_the_earlier_one(
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


async def test_finish_waits_for_its_own_draft_after_the_next_turn_began(
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
    assert draft_texts(telegram) == ["one"], "the next turn waits"
    arrives.set()
    await ending
    await telegram.wait_until(lambda: "two" in draft_texts(telegram))
    assert draft_texts(telegram).count("one") == 1


async def test_late_frame_does_not_reopen_a_finished_turn(
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


async def test_older_frame_does_not_replace_newer_text(
    make_progress_listener: MakeProgressListener, redis: Redis, telegram: FakeTelegram
) -> None:
    make_progress_listener(DRAW_ONCE_TIMINGS)
    await publish_frame(redis, "delta", seq=3, text="It is 7")
    await telegram.wait_until(lambda: draft_texts(telegram) == ["It is 7"])
    await publish_frame(redis, "delta", seq=2, text="It")
    await wait_until_shown(redis, telegram)
    await asyncio.sleep(QUIET_SECONDS)
    assert draft_texts(telegram) == ["It is 7"]


@pytest.mark.parametrize("kind", ["begin", "tool", "delta"])
async def test_retried_turn_is_shown_until_its_reply_is_sent(
    make_progress_listener: MakeProgressListener,
    redis: Redis,
    telegram: FakeTelegram,
    kind: Literal["begin", "tool", "delta"],
) -> None:
    """Whatever the turn does when it publishes its first frame."""
    listener = make_progress_listener()
    await publish_frame(redis, "begin", seq=1)
    await publish_frame(redis, "end", seq=2)
    await wait_until_finished(listener)
    count = count_typing(telegram)
    await publish_frame(redis, kind, seq=1)
    await telegram.wait_until(lambda: count_typing(telegram) >= count + 2)
    await listener.finish_turn(reply_id_for())
    count = count_typing(telegram)
    await publish_frame(redis, kind, seq=1)
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
async def test_typing_continues_after_a_failed_request(
    make_progress_listener: MakeProgressListener,
    redis: Redis,
    telegram: FakeTelegram,
    failure: ScriptedApiResponse,
) -> None:
    make_progress_listener()
    telegram.script_responses("sendChatAction", failure)
    await publish_frame(redis, "begin")
    await telegram.wait_until(lambda: count_typing(telegram) >= 3)


async def test_unexpected_error_ends_only_its_own_turn(
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


async def test_retry_after_pauses_typing_in_one_chat_only(
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


async def test_unreadable_frame_is_skipped(
    make_progress_listener: MakeProgressListener, redis: Redis, telegram: FakeTelegram
) -> None:
    make_progress_listener()
    await publish_raw(redis, "{}")
    await publish_frame(redis, "begin")
    await telegram.wait_until(lambda: count_typing(telegram) >= 1)


@pytest.mark.clock("real")  # the whole bot waits for Redis, by its clock
@pytest.mark.parametrize(
    ("method", "kind", "text"),
    [("sendChatAction", "begin", ""), ("sendMessageDraft", "delta", "here")],
)
async def test_reply_follows_the_progress_request_in_flight(
    run_bot: RunBot,
    redis: Redis,
    telegram: FakeTelegram,
    method: str,
    kind: Literal["begin", "delta"],
    text: str,
) -> None:
    def count_requests() -> int:
        return sum(call.chat_id == 7 for call in telegram.calls_to(method))

    may_answer = asyncio.Event()
    telegram.script_responses(method, ScriptedApiResponse(release_event=may_answer))
    async with run_bot(draft_timings=replace(FAST_TIMINGS, send_timeout_seconds=60.0)):
        await publish_frame(redis, kind, text=text)
        await telegram.wait_until(lambda: count_requests() == 1)
        await publish_frame(redis, kind, text=text * 2)
        await enqueue_to_telegram(redis, make_reply("here it is"))
        await wait_for_another_turn(redis, telegram, chat_id=8)
        assert telegram.sent_texts(7) == [], "the request is still in flight"
        may_answer.set()
        await telegram.wait_until(lambda: telegram.sent_texts(7) == ["here it is"])
        await wait_for_another_turn(redis, telegram, chat_id=9)
    assert count_requests() == 1


async def _wait_until_empty(get_drafts: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while get_drafts():
            await asyncio.sleep(0.01)
