"""One letter in as many messages as it takes: what goes out, and what the journal says of it."""

import pytest
from telegramify_markdown.entity import MessageEntity

from smart_kit.errors import RejectMessage, RetryMessage
from smart_kit.testing.fake_telegram import FakeTelegram, Scripted, refusal
from tg_bot.src.client.errors import FormattingRefused, MessageTooLong
from tg_bot.src.rendering.buttons import Button
from tg_bot.src.rendering.formatted import Formatted
from tg_bot.src.rendering.rich import Letter
from tg_bot.tests.services.delivery_helpers import sends_counted
from tg_bot.tests.services.hand import Hand

TOO_LONG = refusal(400, "Bad Request: message is too long")
NO_ENTITIES = refusal(400, "Bad Request: can't parse entities: no")


def lines(*texts: str) -> Formatted:
    """Each is a message of its own."""
    return Formatted("\n".join(text.ljust(4000, ".") for text in texts))


def sounds(telegram: FakeTelegram) -> list[bool]:
    """Whether each message that was sent makes a sound."""
    return ["disable_notification" not in call.parameters for call in telegram.sent]


def firsts(telegram: FakeTelegram) -> list[str]:
    """How each message that was sent begins."""
    return [call.text.partition(".")[0] for call in telegram.sent]


async def test_a_short_letter_is_one_message_and_leaves_nothing_in_the_journal(
    hand: Hand, telegram: FakeTelegram
) -> None:
    bold = MessageEntity("bold", 0, 2)
    parcel = await hand.parcel(Letter(Formatted("hi there", (bold,))))

    await parcel.attempt()

    (sent,) = telegram.sent
    assert sent.parameters == {
        "chat_id": 7,
        "text": "hi there",
        "entities": [{"type": "bold", "offset": 0, "length": 2}],
        "link_preview_options": {"is_disabled": True},
    }
    assert await parcel.steps() == {}
    assert hand.pace.waited == [7]


async def test_each_part_but_the_last_is_a_step_with_the_id_of_its_message(
    hand: Hand, telegram: FakeTelegram
) -> None:
    before = sends_counted("sent")
    parcel = await hand.parcel(Letter(lines("a", "b", "c")))

    await parcel.attempt()

    assert firsts(telegram) == ["a", "b", "c"]
    assert sends_counted("sent") == before + 3
    assert sounds(telegram) == [True, False, False]
    assert await parcel.steps() == {"0": "1", "1": "2"}
    assert hand.pace.waited == [7, 7, 7]


async def test_what_is_in_the_journal_is_not_sent_again(hand: Hand, telegram: FakeTelegram) -> None:
    parcel = await hand.parcel(Letter(lines("a", "b", "c")), {"0": "71", "1": "72"})

    await parcel.attempt()

    assert firsts(telegram) == ["c"]
    assert await parcel.steps() == {"0": "71", "1": "72"}


async def test_a_silent_letter_is_silent_in_all_its_parts(
    hand: Hand, telegram: FakeTelegram
) -> None:
    await (await hand.parcel(Letter(lines("a", "b")))).attempt(is_silent=True)
    assert sounds(telegram) == [False, False]


async def test_of_many_parts_only_the_first_sounds(hand: Hand, telegram: FakeTelegram) -> None:
    await (await hand.parcel(Letter(lines(*"abcdefghijkl")))).attempt()
    assert sounds(telegram) == [True] + [False] * 11


@pytest.mark.parametrize("trouble", [(), (Scripted(), TOO_LONG)], ids=["as it is", "split again"])
async def test_buttons_are_under_the_last_message_each_in_its_own_row(
    hand: Hand, telegram: FakeTelegram, trouble: tuple[Scripted, ...]
) -> None:
    telegram.script("sendMessage", *trouble)
    buttons = (Button("One", "model:1"), Button("Two", "model:2"))

    await (await hand.parcel(Letter(lines("a", "b"), buttons=buttons))).attempt()

    *others, last = telegram.sent
    assert others
    assert all("reply_markup" not in call.parameters for call in others)
    assert last.parameters["reply_markup"] == {
        "inline_keyboard": [
            [{"text": "One", "callback_data": "model:1"}],
            [{"text": "Two", "callback_data": "model:2"}],
        ]
    }


class TestTooLong:
    async def test_a_part_is_cut_into_smaller_ones_that_are_steps_of_their_own(
        self, hand: Hand, telegram: FakeTelegram
    ) -> None:
        telegram.script("sendMessage", Scripted(), TOO_LONG)
        parcel = await hand.parcel(Letter(lines("a", "b", "c")))

        await parcel.attempt()

        assert [len(call.text) for call in telegram.sent] == [4000, 2666, 1334, 4000]
        assert sounds(telegram) == [True, False, False, False]
        assert await parcel.steps() == {"0": "1", "1.0": "2", "1.1": "3"}

    async def test_a_smaller_one_that_has_gone_is_not_sent_again(
        self, hand: Hand, telegram: FakeTelegram
    ) -> None:
        telegram.script("sendMessage", TOO_LONG)
        parcel = await hand.parcel(Letter(Formatted("a" * 300)), {"0.0": "71"})

        await parcel.attempt()

        assert [len(call.text) for call in telegram.sent] == [100]

    async def test_the_smaller_ones_may_be_too_long_again(
        self, hand: Hand, telegram: FakeTelegram
    ) -> None:
        telegram.script("sendMessage", TOO_LONG, TOO_LONG)
        parcel = await hand.parcel(Letter(Formatted("a" * 900)))

        await parcel.attempt()

        assert [len(call.text) for call in telegram.sent] == [400, 200, 300]
        assert sounds(telegram) == [True, False, False]
        assert await parcel.steps() == {"0.0.0": "1", "0.0.1": "2"}

    @pytest.mark.parametrize(("length", "messages"), [(255, 0), (256, 2)])
    async def test_what_is_short_has_another_fault(
        self, hand: Hand, telegram: FakeTelegram, length: int, messages: int
    ) -> None:
        telegram.script("sendMessage", TOO_LONG)
        parcel = await hand.parcel(Letter(Formatted("a" * length)))

        if messages:
            await parcel.attempt()
        else:
            with pytest.raises(MessageTooLong):
                await parcel.attempt()

        assert len(telegram.sent) == messages


class TestFormatting:
    FORMATTED = Formatted("bold", (MessageEntity("bold", 0, 4),))

    async def test_what_is_refused_goes_without_and_is_counted(
        self, hand: Hand, telegram: FakeTelegram
    ) -> None:
        before = sends_counted("formatting_refused")
        telegram.script("sendMessage", NO_ENTITIES)
        buttons = (Button("One", "model:1"),)

        await (await hand.parcel(Letter(self.FORMATTED, buttons=buttons))).attempt()

        first, second = telegram.calls_of("sendMessage")
        assert second.parameters == {
            name: value for name, value in first.parameters.items() if name != "entities"
        }
        assert sends_counted("formatting_refused") == before + 1

    async def test_what_has_none_is_not_sent_a_second_time(
        self, hand: Hand, telegram: FakeTelegram
    ) -> None:
        before = sends_counted("formatting_refused")
        telegram.script("sendMessage", NO_ENTITIES)

        with pytest.raises(FormattingRefused):
            await (await hand.parcel(Letter(Formatted("plain")))).attempt()

        assert len(telegram.calls_of("sendMessage")) == 1
        assert sends_counted("formatting_refused") == before


class TestUncertain:
    async def test_it_is_tried_again_after_a_while_and_given_up_after_the_third_time(
        self, hand: Hand, telegram: FakeTelegram
    ) -> None:
        before = sends_counted("uncertain"), sends_counted("sent")
        telegram.script("sendMessage", *[Scripted(cut="before")] * 3)
        parcel = await hand.parcel(Letter(Formatted("hi")))

        for seconds, times in ((2.0, "1"), (10.0, "2")):
            with pytest.raises(RetryMessage, match=r"^sendMessage: no answer") as waits:
                await parcel.attempt()
            assert waits.value.after == seconds
            assert await parcel.steps() == {"uncertain:0": times}
        with pytest.raises(RejectMessage, match=r"^Sent 3 times without an answer: sendMessage:"):
            await parcel.attempt()

        assert (sends_counted("uncertain"), sends_counted("sent")) == (before[0] + 3, before[1])

    async def test_each_part_has_a_count_of_its_own(
        self, hand: Hand, telegram: FakeTelegram
    ) -> None:
        telegram.script("sendMessage", Scripted(), Scripted(cut="after"))
        steps = {"uncertain:0": "2"}
        parcel = await hand.parcel(Letter(lines("a", "b")), steps)

        with pytest.raises(RetryMessage):
            await parcel.attempt()

        assert await parcel.steps() == steps | {"0": "1", "uncertain:1": "1"}
