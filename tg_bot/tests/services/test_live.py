"""*typing* while a turn runs, and never after it."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from smart_kit.redis import Redis
from smart_kit.testing.fake_telegram import FakeTelegram, Scripted, refusal
from tg_bot.src.client.telegram import TelegramClient
from tg_bot.tests.conftest import Run
from tg_bot.tests.live_frames import (
    ONCE,
    QUICK,
    QUIET_SECONDS,
    MakeLive,
    answer_id,
    drafts,
    publish_frame,
    publish_text,
    typing_count,
    wait_for_another_turn,
    wait_until_over,
    wait_until_shown,
)
from tg_bot.tests.queue_contents import send
from tg_bot.tests.queue_messages import reply

pytestmark = pytest.mark.clock("virtual")


async def test_it_is_shown_again_and_again_until_the_turn_ends(
    make_live: MakeLive, redis: Redis, telegram: FakeTelegram
) -> None:
    live = make_live()
    await publish_frame(redis, "begin")
    await telegram.until(lambda: typing_count(telegram) >= 4)
    await publish_frame(redis, "end")
    await wait_until_over(live)
    count = typing_count(telegram)
    await asyncio.sleep(QUIET_SECONDS)

    assert typing_count(telegram) == count
    assert telegram.calls[0].parameters == {"chat_id": 7, "action": "typing"}


async def test_a_turn_quicker_than_a_glance_is_not_announced(
    make_live: MakeLive, redis: Redis, telegram: FakeTelegram
) -> None:
    live = make_live(replace(QUICK, grace=5.0))
    await publish_frame(redis, "begin")
    await publish_frame(redis, "end")
    await wait_until_over(live)
    assert typing_count(telegram) == 0


async def test_whoever_missed_the_beginning_shows_the_rest(
    make_live: MakeLive, redis: Redis, telegram: FakeTelegram
) -> None:
    make_live()
    await publish_frame(redis, "tool")
    await telegram.until(lambda: typing_count(telegram) >= 1)


async def test_it_ends_by_itself_where_the_end_was_lost(
    make_live: MakeLive, redis: Redis, telegram: FakeTelegram
) -> None:
    live = make_live(longest=2.0)
    await publish_frame(redis, "begin")
    await telegram.until(lambda: typing_count(telegram) >= 1)
    await _empty(lambda: live._shows)
    count = typing_count(telegram)
    await asyncio.sleep(QUIET_SECONDS)
    assert typing_count(telegram) == count


async def test_an_answer_waits_for_the_action_on_its_way_and_no_other_follows(
    make_live: MakeLive, redis: Redis, telegram: FakeTelegram
) -> None:
    live, arrives = make_live(), asyncio.Event()
    telegram.script("sendChatAction", Scripted(until=arrives))
    await publish_frame(redis, "begin")
    await telegram.until(lambda: typing_count(telegram) == 1)

    ending = asyncio.create_task(live.end(answer_id()))
    await asyncio.sleep(QUIET_SECONDS)
    assert not ending.done()
    arrives.set()
    await ending
    await asyncio.sleep(QUIET_SECONDS)
    assert typing_count(telegram) == 1


async def test_an_answer_does_not_wait_for_an_action_that_hangs(
    make_live: MakeLive, redis: Redis, telegram: FakeTelegram
) -> None:
    live = make_live(replace(QUICK, drawing=0.1))
    telegram.script("sendChatAction", Scripted(until=asyncio.Event()))
    await publish_frame(redis, "begin")
    await telegram.until(lambda: typing_count(telegram) >= 1)
    async with asyncio.timeout(60):
        await live.end(answer_id())


async def test_the_answer_to_another_message_does_not_end_it(
    make_live: MakeLive, redis: Redis, telegram: FakeTelegram
) -> None:
    live = make_live()
    await publish_frame(redis, "begin", number=2)
    await telegram.until(lambda: typing_count(telegram) >= 1)
    await live.end(answer_id(1))
    count = typing_count(telegram)
    await telegram.until(lambda: typing_count(telegram) >= count + 2)


async def test_the_next_turn_of_a_chat_takes_over(
    make_live: MakeLive, redis: Redis, telegram: FakeTelegram
) -> None:
    live = make_live()
    await publish_frame(redis, "begin", number=1)
    await telegram.until(lambda: typing_count(telegram) >= 1)
    await publish_frame(redis, "begin", number=2)
    await publish_frame(redis, "end", number=1)
    await wait_until_over(live, 1)
    count = typing_count(telegram)
    await telegram.until(lambda: typing_count(telegram) >= count + 3)


async def test_an_answer_waits_for_the_drawing_of_its_turn_though_the_next_turn_has_begun(
    make_live: MakeLive, redis: Redis, telegram: FakeTelegram
) -> None:
    """And the next turn's drawings wait for it too."""
    live, arrives = make_live(), asyncio.Event()
    telegram.script("sendMessageDraft", Scripted(until=arrives))
    await publish_frame(redis, "delta", number=1, text="one")
    await telegram.until(lambda: drafts(telegram) == ["one"])
    await publish_frame(redis, "delta", number=2, text="two")
    await wait_until_shown(redis, telegram)
    ending = asyncio.create_task(live.end(answer_id(1)))
    await asyncio.sleep(QUIET_SECONDS)
    assert not ending.done()
    assert drafts(telegram) == ["one"], "nothing overtakes it"
    arrives.set()
    await ending
    await telegram.until(lambda: "two" in drafts(telegram))
    assert drafts(telegram).count("one") == 1


async def test_a_frame_behind_the_end_opens_nothing_again(
    make_live: MakeLive, redis: Redis, telegram: FakeTelegram
) -> None:
    live = make_live()
    await publish_frame(redis, "begin", seq=1)
    await telegram.until(lambda: typing_count(telegram) >= 1)
    await publish_frame(redis, "end", seq=6)
    await publish_frame(redis, "delta", seq=5, text="late")
    await publish_frame(redis, "delta", seq=7, text="later")
    await wait_until_shown(redis, telegram)
    await wait_until_over(live)
    await asyncio.sleep(QUIET_SECONDS)
    assert drafts(telegram) == []


async def test_an_older_frame_takes_nothing_back(
    make_live: MakeLive, redis: Redis, telegram: FakeTelegram
) -> None:
    make_live(ONCE)
    await publish_frame(redis, "delta", seq=3, text="It is 7")
    await telegram.until(lambda: drafts(telegram) == ["It is 7"])
    await publish_frame(redis, "delta", seq=2, text="It")
    await wait_until_shown(redis, telegram)
    await asyncio.sleep(QUIET_SECONDS)
    assert drafts(telegram) == ["It is 7"]


async def test_a_turn_that_is_tried_again_is_shown_again_until_it_is_answered(
    make_live: MakeLive, redis: Redis, telegram: FakeTelegram
) -> None:
    live = make_live()
    await publish_frame(redis, "begin", seq=1)
    await publish_frame(redis, "end", seq=2)
    await wait_until_over(live)
    count = typing_count(telegram)
    await publish_frame(redis, "begin", seq=1)
    await telegram.until(lambda: typing_count(telegram) >= count + 2)
    await live.end(answer_id())
    count = typing_count(telegram)
    await publish_frame(redis, "begin", seq=1)
    await wait_until_shown(redis, telegram)
    await asyncio.sleep(QUIET_SECONDS)
    assert typing_count(telegram) == count


@pytest.mark.parametrize(
    "trouble", [refusal(500, "no"), Scripted(cut="before"), refusal(403, "blocked")]
)
async def test_its_failures_are_nobodys_business(
    make_live: MakeLive, redis: Redis, telegram: FakeTelegram, trouble: Scripted
) -> None:
    make_live()
    telegram.script("sendChatAction", trouble)
    await publish_frame(redis, "begin")
    await telegram.until(lambda: typing_count(telegram) >= 3)


async def test_one_that_breaks_leaves_nothing_behind_and_the_next_turn_is_shown(
    make_live: MakeLive,
    client: TelegramClient,
    redis: Redis,
    telegram: FakeTelegram,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    is_broken = asyncio.Event()

    async def break_(_: int) -> None:
        is_broken.set()
        raise RuntimeError

    live = make_live()
    with monkeypatch.context() as patched, capture_logs() as lines:
        patched.setattr(client, "send_chat_action", break_)
        await publish_frame(redis, "begin")
        async with asyncio.timeout(60):
            await is_broken.wait()
        await _empty(lambda: live._shows)
    assert [line["event"] for line in lines] == ["a growing answer could not be shown"]
    await publish_frame(redis, "begin", number=2)
    await telegram.until(lambda: typing_count(telegram) >= 1)


async def test_a_429_pauses_it_in_that_chat_only(
    make_live: MakeLive, redis: Redis, telegram: FakeTelegram
) -> None:
    make_live()
    telegram.script("sendChatAction", refusal(429, "Too Many Requests", retry_after=300))
    await publish_frame(redis, "begin", chat_id=1)
    await telegram.until(lambda: typing_count(telegram, 1) == 1)
    await publish_frame(redis, "begin", chat_id=2, number=2)
    await telegram.until(lambda: typing_count(telegram, 2) >= 5)
    assert typing_count(telegram, 1) == 1


async def test_a_broken_frame_is_left_out(
    make_live: MakeLive, redis: Redis, telegram: FakeTelegram
) -> None:
    make_live()
    await publish_text(redis, "{}")
    await publish_frame(redis, "begin")
    await telegram.until(lambda: typing_count(telegram) >= 1)


@pytest.mark.clock("real")  # the whole bot waits for Redis, by its clock
async def test_a_person_sees_typing_and_then_the_answer(
    run: Run, redis: Redis, telegram: FakeTelegram
) -> None:
    arrives = asyncio.Event()
    telegram.script("sendChatAction", Scripted(until=arrives))
    async with run(rhythm=replace(QUICK, drawing=60.0)):
        await publish_frame(redis, "begin", number=1)
        await telegram.until(lambda: typing_count(telegram) == 1)
        await send(redis, reply("here it is", number=1))
        await wait_for_another_turn(redis, telegram, chat_id=8)
        assert telegram.texts(7) == [], "the action is still on its way"
        arrives.set()
        await telegram.until(lambda: telegram.texts(7) == ["here it is"])
        await wait_for_another_turn(redis, telegram, chat_id=9)
    assert typing_count(telegram) == 1


async def _empty(shows: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while shows():
            await asyncio.sleep(0.01)
