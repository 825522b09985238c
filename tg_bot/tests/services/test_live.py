"""*typing* and the growing answer while a turn runs, and never after it."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from typing import Any, Literal

import pytest

from smart_kit.contracts.keys import live_channel
from smart_kit.contracts.queue import LiveFrame
from smart_kit.redis import Redis, connect_blocking
from smart_kit.settings import RedisSettings
from smart_kit.testing.telegram import FakeTelegram, Scripted, refusal
from tg_bot.src.client.telegram import TelegramClient
from tg_bot.src.config.settings import TgBotSettings
from tg_bot.src.services.live import Live
from tg_bot.src.services.pace import Pace
from tg_bot.src.services.show import GRACE_SECONDS
from tg_bot.src.services.sketch import Rhythm, draft_id_of
from tg_bot.tests.conftest import Run
from tg_bot.tests.messages import BOT_ID, reply
from tg_bot.tests.queues import send

REPEAT = 0.1
RHYTHM = Rhythm(shortest=0.05, typing=REPEAT, draft=0.4)

Make = Callable[..., Live]

NUMBERS = itertools.count(2)
"""Of frames; the first is a turn's own."""


@pytest.fixture
async def make(
    client: TelegramClient,
    settings: TgBotSettings,
    redis_settings: RedisSettings,
    redis: Redis,
) -> AsyncIterator[Make]:
    """A running Live, for given seconds."""
    blocking = connect_blocking(redis_settings)
    stop = asyncio.Event()
    tasks = []

    def make(longest: float = 100.0, rhythm: Rhythm = RHYTHM, **changes: Any) -> Live:
        pace = Pace(settings.model_copy(update=changes))
        live = Live(client, pace, blocking, BOT_ID, rhythm=rhythm, longest_seconds=longest)
        tasks.append(asyncio.create_task(live.run(stop)))
        return live

    yield make
    stop.set()
    await asyncio.gather(*tasks)
    await blocking.aclose()


async def show(
    redis: Redis,
    kind: Literal["begin", "delta", "tool", "end"],
    chat_id: int = 7,
    number: int = 1,
    text: str = "",
    seq: int = 0,
) -> None:
    """Publish a frame, once somebody listens; 0: the next one."""
    frame = LiveFrame(
        conversation=f"tg:{BOT_ID}:{chat_id}",
        chat_id=chat_id,
        message_id=f"tg:{BOT_ID}:{number}",
        seq=seq or next(NUMBERS),
        kind=kind,
        text=text,
    )
    async with asyncio.timeout(5):
        while not await redis.publish(live_channel(BOT_ID), frame.model_dump_json()):
            await asyncio.sleep(0.01)


def acted(telegram: FakeTelegram, chat_id: int = 7) -> int:
    return sum(call.chat_id == chat_id for call in telegram.calls_of("sendChatAction"))


def drafts(telegram: FakeTelegram) -> list[str]:
    return [call.text for call in telegram.calls_of("sendMessageDraft")]


async def test_it_is_shown_again_and_again_until_the_turn_ends(
    make: Make, redis: Redis, telegram: FakeTelegram
) -> None:
    make()
    await show(redis, "begin")
    await telegram.until(lambda: acted(telegram) == 4)
    await show(redis, "end")
    await asyncio.sleep(REPEAT)
    count = acted(telegram)
    await asyncio.sleep(3 * REPEAT)

    assert acted(telegram) == count
    assert telegram.calls[0].parameters == {"chat_id": 7, "action": "typing"}


async def test_a_turn_quicker_than_a_glance_is_not_announced(
    make: Make, redis: Redis, telegram: FakeTelegram
) -> None:
    make()
    await show(redis, "begin")
    await show(redis, "end")
    await asyncio.sleep(2 * GRACE_SECONDS)
    assert acted(telegram) == 0


async def test_whoever_missed_the_beginning_shows_the_rest(
    make: Make, redis: Redis, telegram: FakeTelegram
) -> None:
    make()
    await show(redis, "tool")
    await telegram.until(lambda: acted(telegram) == 1)


async def test_it_ends_by_itself_where_the_end_was_lost(
    make: Make, redis: Redis, telegram: FakeTelegram
) -> None:
    live = make(longest=0.5)
    await show(redis, "begin")
    await telegram.until(lambda: acted(telegram) >= 2)
    async with asyncio.timeout(3):
        while live._shows:
            await asyncio.sleep(0.05)
    count = acted(telegram)
    await asyncio.sleep(3 * REPEAT)
    assert acted(telegram) == count


async def test_an_answer_waits_for_the_action_on_its_way_and_no_other_follows(
    make: Make, redis: Redis, telegram: FakeTelegram
) -> None:
    live = make()
    telegram.script("sendChatAction", Scripted(seconds=0.4))
    await show(redis, "begin")
    await telegram.until(lambda: acted(telegram) == 1)

    loop = asyncio.get_running_loop()
    begun = loop.time()
    await live.end(f"reply:tg:{BOT_ID}:1")
    assert loop.time() - begun > 0.2
    await asyncio.sleep(3 * REPEAT)
    assert acted(telegram) == 1


async def test_the_answer_to_another_message_does_not_end_it(
    make: Make, redis: Redis, telegram: FakeTelegram
) -> None:
    live = make()
    await show(redis, "begin", number=2)
    await telegram.until(lambda: acted(telegram) == 1)
    await live.end(f"reply:tg:{BOT_ID}:1")
    await telegram.until(lambda: acted(telegram) == 3)


async def test_the_next_turn_of_a_chat_takes_over(
    make: Make, redis: Redis, telegram: FakeTelegram
) -> None:
    make()
    await show(redis, "begin", number=1)
    await telegram.until(lambda: acted(telegram) == 1)
    await show(redis, "begin", number=2)
    await show(redis, "end", number=1)
    await telegram.until(lambda: acted(telegram) >= 4)
    await show(redis, "end", number=2)


async def test_an_answer_waits_for_the_drawing_of_its_turn_though_the_next_turn_has_begun(
    make: Make, redis: Redis, telegram: FakeTelegram
) -> None:
    """And the next turn's drawings wait for it too."""
    live = make()
    telegram.script("sendMessageDraft", Scripted(seconds=0.6))
    await show(redis, "delta", number=1, text="one")
    await telegram.until(lambda: drafts(telegram) == ["one"])
    await show(redis, "delta", number=2, text="two")
    begun = asyncio.get_running_loop().time()
    await asyncio.sleep(0.1)
    await live.end(f"reply:tg:{BOT_ID}:1")
    assert asyncio.get_running_loop().time() - begun > 0.4
    assert drafts(telegram) == ["one"], "nothing overtakes it"
    await telegram.until(lambda: "two" in drafts(telegram))
    assert drafts(telegram).count("one") == 1


async def test_a_frame_behind_the_end_opens_nothing_again(
    make: Make, redis: Redis, telegram: FakeTelegram
) -> None:
    live = make()
    await show(redis, "begin", seq=1)
    await telegram.until(lambda: acted(telegram) == 1)
    await show(redis, "end", seq=6)
    await show(redis, "delta", seq=5, text="late")
    await show(redis, "delta", seq=7, text="later")
    async with asyncio.timeout(3):
        while live._shows:
            await asyncio.sleep(0.01)
    await asyncio.sleep(GRACE_SECONDS + 2 * REPEAT)
    assert drafts(telegram) == []


async def test_an_older_frame_takes_nothing_back(
    make: Make, redis: Redis, telegram: FakeTelegram
) -> None:
    make()
    await show(redis, "delta", seq=3, text="It is 7")
    await show(redis, "delta", seq=2, text="It")
    await telegram.until(lambda: len(drafts(telegram)) == 1)
    assert drafts(telegram) == ["It is 7"]


async def test_a_turn_that_is_tried_again_is_shown_again_until_it_is_answered(
    make: Make, redis: Redis, telegram: FakeTelegram
) -> None:
    live = make()
    await show(redis, "begin", seq=1)
    await show(redis, "end", seq=2)
    await show(redis, "begin", seq=1)
    await telegram.until(lambda: acted(telegram) == 2)
    await live.end(f"reply:tg:{BOT_ID}:1")
    count = acted(telegram)
    await show(redis, "begin", seq=1)
    await asyncio.sleep(GRACE_SECONDS + 2 * REPEAT)
    assert acted(telegram) == count


@pytest.mark.parametrize(
    "trouble", [refusal(500, "no"), Scripted(cut="before"), refusal(403, "blocked")]
)
async def test_its_failures_are_nobodys_business(
    make: Make, redis: Redis, telegram: FakeTelegram, trouble: Scripted
) -> None:
    make()
    telegram.script("sendChatAction", trouble)
    await show(redis, "begin")
    await telegram.until(lambda: acted(telegram) == 3)


async def test_a_429_pauses_it_in_that_chat_only(
    make: Make, redis: Redis, telegram: FakeTelegram
) -> None:
    make()
    telegram.script("sendChatAction", refusal(429, "Too Many Requests", retry_after=30))
    await show(redis, "begin", chat_id=1)
    await telegram.until(lambda: acted(telegram, 1) == 1)
    await show(redis, "begin", chat_id=2, number=2)
    await telegram.until(lambda: acted(telegram, 2) == 5)
    assert acted(telegram, 1) == 1


async def test_a_broken_frame_is_left_out(make: Make, redis: Redis, telegram: FakeTelegram) -> None:
    make()
    while not await redis.publish(live_channel(BOT_ID), "{}"):
        await asyncio.sleep(0.01)
    await show(redis, "begin")
    await telegram.until(lambda: acted(telegram) == 1)


async def test_a_person_sees_typing_and_then_the_answer(
    run: Run, redis: Redis, telegram: FakeTelegram
) -> None:
    telegram.script("sendChatAction", Scripted(seconds=0.6))
    async with run():
        await show(redis, "begin", number=1)
        await telegram.until(lambda: acted(telegram) == 1)
        begun = asyncio.get_running_loop().time()
        await send(redis, reply("here it is", number=1))
        await telegram.until(lambda: telegram.texts(7) == ["here it is"])
        assert asyncio.get_running_loop().time() - begun > 0.5, "the action was still on its way"
    assert acted(telegram) == 1


class TestTheGrowingAnswer:
    async def test_it_is_drawn_as_a_draft_that_grows_formatted_and_can_be_stopped(
        self, make: Make, redis: Redis, telegram: FakeTelegram
    ) -> None:
        make()
        await show(redis, "delta", text="It is **22")
        await telegram.until(lambda: len(drafts(telegram)) == 1)
        await show(redis, "delta", text="It is **22:24**.")
        await telegram.until(lambda: len(drafts(telegram)) == 2)

        first, second = (call.parameters for call in telegram.calls_of("sendMessageDraft"))
        assert first["draft_id"] == second["draft_id"] == draft_id_of(f"tg:{BOT_ID}:1") != 0
        assert second == {
            "chat_id": 7,
            "draft_id": first["draft_id"],
            "text": "It is 22:24.",
            "entities": [{"type": "bold", "offset": 6, "length": 5}],
            "can_stop": True,
            "keep_on_stop": True,
        }
        assert acted(telegram) == 0, "both are one call underneath"

    async def test_text_follows_typing_at_once_and_what_a_frame_lacks_stays(
        self, make: Make, redis: Redis, telegram: FakeTelegram
    ) -> None:
        make(rhythm=Rhythm(shortest=0.05, typing=60.0, draft=60.0))
        await show(redis, "begin")
        await telegram.until(lambda: acted(telegram) == 1)
        await show(redis, "delta", text="Let me see")
        await telegram.until(lambda: drafts(telegram) == ["Let me see"], seconds=2)
        await show(redis, "tool")
        await show(redis, "delta", text="Let me see")
        await show(redis, "delta", text="Let me see: 7")
        await telegram.until(lambda: len(drafts(telegram)) == 2, seconds=2)
        assert drafts(telegram) == ["Let me see", "Let me see: 7"]
        assert acted(telegram) == 1

    async def test_a_chat_is_drawn_no_faster_than_the_rhythm(
        self, make: Make, redis: Redis, telegram: FakeTelegram
    ) -> None:
        make(rhythm=Rhythm(shortest=0.3, typing=0.3, draft=60.0))
        clock = asyncio.get_running_loop().time
        begun = clock()
        for number in range(40):
            await show(redis, "delta", text="x" * (number + 1))
            await asyncio.sleep(0.02)
        await telegram.until(lambda: "x" * 40 in drafts(telegram))
        assert len(drafts(telegram)) <= (clock() - begun) / 0.3 + 1

    async def test_one_that_does_not_grow_is_kept_from_fading(
        self, make: Make, redis: Redis, telegram: FakeTelegram
    ) -> None:
        make()
        await show(redis, "delta", text="slow")
        await telegram.until(lambda: drafts(telegram) == ["slow"] * 2)

    async def test_of_a_long_one_the_part_that_grows_is_shown(
        self, make: Make, redis: Redis, telegram: FakeTelegram
    ) -> None:
        make()
        await show(redis, "delta", text="word " * 900 + "end")
        await telegram.until(lambda: len(drafts(telegram)) == 1)
        (text,) = drafts(telegram)
        assert text.endswith("end")
        assert len(text) < 4096

    async def test_groups_have_none(self, make: Make, redis: Redis, telegram: FakeTelegram) -> None:
        make()
        await show(redis, "delta", chat_id=-100500, text="so")
        await telegram.until(lambda: acted(telegram, -100500) == 2)
        assert drafts(telegram) == []

    @pytest.mark.parametrize(
        "trouble",
        [
            refusal(400, "Bad Request: TEXTDRAFT_PEER_INVALID"),
            refusal(404, "Not Found: method not found"),
        ],
    )
    async def test_where_it_is_refused_typing_is_shown(
        self, make: Make, redis: Redis, telegram: FakeTelegram, trouble: Scripted
    ) -> None:
        make()
        telegram.script("sendMessageDraft", trouble)
        await show(redis, "delta", text="so")
        await telegram.until(lambda: acted(telegram) == 2)
        assert len(drafts(telegram)) == 1

    @pytest.mark.parametrize(
        "trouble",
        [
            refusal(500, "no"),
            Scripted(cut="after"),
            refusal(400, "Bad Request: can't parse entities"),
        ],
    )
    async def test_a_frame_that_fails_is_followed_by_the_next(
        self, make: Make, redis: Redis, telegram: FakeTelegram, trouble: Scripted
    ) -> None:
        make()
        telegram.script("sendMessageDraft", trouble)
        await show(redis, "delta", text="so")
        await telegram.until(lambda: len(drafts(telegram)) == 2)
        assert acted(telegram) == 0

    async def test_it_waits_where_messages_need_all_of_the_pace(
        self, make: Make, redis: Redis, telegram: FakeTelegram
    ) -> None:
        make(rhythm=Rhythm(0.05, 60.0, 60.0), telegram_rate_overall=0.5)
        await show(redis, "delta", chat_id=1, text="one")
        await telegram.until(lambda: drafts(telegram) == ["one"])
        await show(redis, "delta", chat_id=2, number=2, text="two")
        await asyncio.sleep(0.5)
        assert drafts(telegram) == ["one"]
        await show(redis, "end", chat_id=1)
        await telegram.until(lambda: "two" in drafts(telegram), seconds=4)

    async def test_the_answer_closes_it_and_no_frame_comes_after(
        self, run: Run, redis: Redis, telegram: FakeTelegram
    ) -> None:
        telegram.script("sendMessageDraft", Scripted(seconds=0.6))
        async with run():
            await show(redis, "delta", text="here", number=1)
            await telegram.until(lambda: len(drafts(telegram)) == 1)
            await show(redis, "delta", text="here it", number=1)
            begun = asyncio.get_running_loop().time()
            await send(redis, reply("here it is", number=1))
            await telegram.until(lambda: telegram.texts(7) == ["here it is"])
            assert asyncio.get_running_loop().time() - begun > 0.4, "a frame was on its way"
            await asyncio.sleep(1.3)
        assert len(drafts(telegram)) == 1


def test_the_drafts_of_two_messages_are_two() -> None:
    ids = {draft_id_of(f"tg:{BOT_ID}:{number}") for number in range(10_000)}
    assert len(ids) > 9_990
    assert all(0 < one < 2**31 for one in ids)
