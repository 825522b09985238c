"""Sending one reply in several messages: the requests, and the journal's steps."""

import pytest
from telegramify_markdown.entity import MessageEntity

from smart_kit.errors import RejectMessage, RetryMessage
from smart_kit.testing.fake_telegram import FakeTelegram, ScriptedApiResponse, make_api_error
from tg_bot.src.client.errors import EntityParseError, MessageTooLong
from tg_bot.src.rendering.formatted_text import FormattedText
from tg_bot.src.rendering.rendered_message import Button, RenderedMessage
from tg_bot.tests.services.delivery import count_sends
from tg_bot.tests.services.sending_harness import SendingHarness

TOO_LONG = make_api_error(400, "Bad Request: message is too long")
ENTITIES_REFUSED = make_api_error(400, "Bad Request: can't parse entities: no")


def make_long_parts(*texts: str) -> FormattedText:
    """Return a text of which each part is a message of its own."""
    return FormattedText("\n".join(text.ljust(4000, ".") for text in texts))


def read_sounds(telegram: FakeTelegram) -> list[bool]:
    """Return for each sent message whether it makes a sound."""
    return ["disable_notification" not in call.parameters for call in telegram.sent]


def read_beginnings(telegram: FakeTelegram) -> list[str]:
    """Return the beginning of each sent message."""
    return [call.text.partition(".")[0] for call in telegram.sent]


async def test_a_short_reply_is_one_message_and_leaves_nothing_in_the_journal(
    harness: SendingHarness, telegram: FakeTelegram
) -> None:
    bold = MessageEntity("bold", 0, 2)
    prepared = await harness.prepare(RenderedMessage(FormattedText("hi there", (bold,))))

    await prepared.send()

    (sent,) = telegram.sent
    assert sent.parameters == {
        "chat_id": 7,
        "text": "hi there",
        "entities": [{"type": "bold", "offset": 0, "length": 2}],
        "link_preview_options": {"is_disabled": True},
    }
    assert await prepared.read_steps() == {}
    assert harness.rate_limiter.acquired_chats == [7]


async def test_each_part_but_the_last_is_a_step_with_the_id_of_its_message(
    harness: SendingHarness, telegram: FakeTelegram
) -> None:
    before = count_sends("sent")
    prepared = await harness.prepare(RenderedMessage(make_long_parts("a", "b", "c")))

    await prepared.send()

    assert read_beginnings(telegram) == ["a", "b", "c"]
    assert count_sends("sent") == before + 3
    assert read_sounds(telegram) == [True, False, False]
    assert await prepared.read_steps() == {"0": "1", "1": "2"}
    assert harness.rate_limiter.acquired_chats == [7, 7, 7]


async def test_what_is_in_the_journal_is_not_sent_again(
    harness: SendingHarness, telegram: FakeTelegram
) -> None:
    prepared = await harness.prepare(
        RenderedMessage(make_long_parts("a", "b", "c")), {"0": "71", "1": "72"}
    )

    await prepared.send()

    assert read_beginnings(telegram) == ["c"]
    assert await prepared.read_steps() == {"0": "71", "1": "72"}


async def test_a_silent_reply_is_silent_in_all_its_parts(
    harness: SendingHarness, telegram: FakeTelegram
) -> None:
    await (await harness.prepare(RenderedMessage(make_long_parts("a", "b")))).send(is_silent=True)
    assert read_sounds(telegram) == [False, False]


async def test_of_many_parts_only_the_first_sounds(
    harness: SendingHarness, telegram: FakeTelegram
) -> None:
    await (await harness.prepare(RenderedMessage(make_long_parts(*"abcdefghijkl")))).send()
    assert read_sounds(telegram) == [True] + [False] * 11


@pytest.mark.parametrize(
    "failures", [(), (ScriptedApiResponse(), TOO_LONG)], ids=["as it is", "split again"]
)
async def test_buttons_are_under_the_last_message_each_in_its_own_row(
    harness: SendingHarness, telegram: FakeTelegram, failures: tuple[ScriptedApiResponse, ...]
) -> None:
    telegram.script_responses("sendMessage", *failures)
    buttons = (Button("One", "model:1"), Button("Two", "model:2"))

    await (
        await harness.prepare(RenderedMessage(make_long_parts("a", "b"), buttons=buttons))
    ).send()

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
        self, harness: SendingHarness, telegram: FakeTelegram
    ) -> None:
        telegram.script_responses("sendMessage", ScriptedApiResponse(), TOO_LONG)
        prepared = await harness.prepare(RenderedMessage(make_long_parts("a", "b", "c")))

        await prepared.send()

        assert [len(call.text) for call in telegram.sent] == [4000, 2666, 1334, 4000]
        assert read_sounds(telegram) == [True, False, False, False]
        assert await prepared.read_steps() == {"0": "1", "1.0": "2", "1.1": "3"}

    async def test_a_smaller_one_that_has_gone_is_not_sent_again(
        self, harness: SendingHarness, telegram: FakeTelegram
    ) -> None:
        telegram.script_responses("sendMessage", TOO_LONG)
        prepared = await harness.prepare(RenderedMessage(FormattedText("a" * 300)), {"0.0": "71"})

        await prepared.send()

        assert [len(call.text) for call in telegram.sent] == [100]

    async def test_the_smaller_ones_may_be_too_long_again(
        self, harness: SendingHarness, telegram: FakeTelegram
    ) -> None:
        telegram.script_responses("sendMessage", TOO_LONG, TOO_LONG)
        prepared = await harness.prepare(RenderedMessage(FormattedText("a" * 900)))

        await prepared.send()

        assert [len(call.text) for call in telegram.sent] == [400, 200, 300]
        assert read_sounds(telegram) == [True, False, False]
        assert await prepared.read_steps() == {"0.0.0": "1", "0.0.1": "2"}

    @pytest.mark.parametrize(("length", "messages"), [(255, 0), (256, 2)])
    async def test_what_is_short_has_another_fault(
        self, harness: SendingHarness, telegram: FakeTelegram, length: int, messages: int
    ) -> None:
        telegram.script_responses("sendMessage", TOO_LONG)
        prepared = await harness.prepare(RenderedMessage(FormattedText("a" * length)))

        if messages:
            await prepared.send()
        else:
            with pytest.raises(MessageTooLong):
                await prepared.send()

        assert len(telegram.sent) == messages


class TestFormatting:
    FORMATTED = FormattedText("bold", (MessageEntity("bold", 0, 4),))

    async def test_what_is_refused_goes_without_and_is_counted(
        self, harness: SendingHarness, telegram: FakeTelegram
    ) -> None:
        before = count_sends("formatting_refused")
        telegram.script_responses("sendMessage", ENTITIES_REFUSED)
        buttons = (Button("One", "model:1"),)

        await (await harness.prepare(RenderedMessage(self.FORMATTED, buttons=buttons))).send()

        first, second = telegram.calls_to("sendMessage")
        assert second.parameters == {
            name: value for name, value in first.parameters.items() if name != "entities"
        }
        assert count_sends("formatting_refused") == before + 1

    async def test_what_has_none_is_not_sent_a_second_time(
        self, harness: SendingHarness, telegram: FakeTelegram
    ) -> None:
        before = count_sends("formatting_refused")
        telegram.script_responses("sendMessage", ENTITIES_REFUSED)

        with pytest.raises(EntityParseError):
            await (await harness.prepare(RenderedMessage(FormattedText("plain")))).send()

        assert len(telegram.calls_to("sendMessage")) == 1
        assert count_sends("formatting_refused") == before


class TestUncertain:
    async def test_it_is_tried_again_after_a_while_and_given_up_after_the_third_time(
        self, harness: SendingHarness, telegram: FakeTelegram
    ) -> None:
        before = count_sends("uncertain"), count_sends("sent")
        telegram.script_responses("sendMessage", *[ScriptedApiResponse(disconnect="before")] * 3)
        prepared = await harness.prepare(RenderedMessage(FormattedText("hi")))

        for seconds, times in ((2.0, "1"), (10.0, "2")):
            with pytest.raises(RetryMessage, match=r"^sendMessage: no answer") as waits:
                await prepared.send()
            assert waits.value.after == seconds
            assert await prepared.read_steps() == {"uncertain:0": times}
        with pytest.raises(RejectMessage, match=r"^Sent 3 times without an answer: sendMessage:"):
            await prepared.send()

        assert (count_sends("uncertain"), count_sends("sent")) == (before[0] + 3, before[1])

    async def test_each_part_has_a_count_of_its_own(
        self, harness: SendingHarness, telegram: FakeTelegram
    ) -> None:
        telegram.script_responses(
            "sendMessage", ScriptedApiResponse(), ScriptedApiResponse(disconnect="after")
        )
        steps = {"uncertain:0": "2"}
        prepared = await harness.prepare(RenderedMessage(make_long_parts("a", "b")), steps)

        with pytest.raises(RetryMessage):
            await prepared.send()

        assert await prepared.read_steps() == steps | {"0": "1", "uncertain:1": "1"}
