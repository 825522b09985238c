"""Sending one reply in several messages: the requests, and the journal's steps."""

import pytest
from telegramify_markdown.entity import MessageEntity

from smart_kit.contracts.queue import InlineButton
from smart_kit.errors import RejectMessage, RetryMessage
from smart_kit.testing.fake_telegram import FakeTelegram, ScriptedApiResponse, make_api_error
from tg_bot.src.client.errors import EntityParseError, MessageTooLong
from tg_bot.src.rendering.formatted_text import FormattedText
from tg_bot.src.rendering.rendered_message import RenderedMessage
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


async def test_short_reply_writes_no_journal(
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


async def test_every_part_except_the_last_is_journaled(
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


async def test_journaled_parts_are_not_sent_again(
    harness: SendingHarness, telegram: FakeTelegram
) -> None:
    prepared = await harness.prepare(
        RenderedMessage(make_long_parts("a", "b", "c")), {"0": "71", "1": "72"}
    )

    await prepared.send()

    assert read_beginnings(telegram) == ["c"]
    assert await prepared.read_steps() == {"0": "71", "1": "72"}


async def test_all_parts_of_a_silent_reply_are_silent(
    harness: SendingHarness, telegram: FakeTelegram
) -> None:
    await (await harness.prepare(RenderedMessage(make_long_parts("a", "b")))).send(is_silent=True)
    assert read_sounds(telegram) == [False, False]


async def test_only_the_first_part_makes_a_sound(
    harness: SendingHarness, telegram: FakeTelegram
) -> None:
    await (await harness.prepare(RenderedMessage(make_long_parts(*"abcdefghijkl")))).send()
    assert read_sounds(telegram) == [True] + [False] * 11


@pytest.mark.parametrize(
    "failures", [(), (ScriptedApiResponse(), TOO_LONG)], ids=["as it is", "split again"]
)
async def test_buttons_are_rows_under_the_last_message(
    harness: SendingHarness, telegram: FakeTelegram, failures: tuple[ScriptedApiResponse, ...]
) -> None:
    telegram.script_responses("sendMessage", *failures)
    one, two, three = (InlineButton(label=word, data=f"model:{word}") for word in "abc")
    rendered = RenderedMessage(make_long_parts("a", "b"), button_rows=((one,), (two, three)))

    await (await harness.prepare(rendered)).send()

    *others, last = telegram.sent
    assert others
    assert all("reply_markup" not in call.parameters for call in others)
    assert last.parameters["reply_markup"] == {
        "inline_keyboard": [
            [{"text": "a", "callback_data": "model:a"}],
            [
                {"text": "b", "callback_data": "model:b"},
                {"text": "c", "callback_data": "model:c"},
            ],
        ]
    }


class TestTooLong:
    async def test_too_long_part_is_split_into_journaled_parts(
        self, harness: SendingHarness, telegram: FakeTelegram
    ) -> None:
        telegram.script_responses("sendMessage", ScriptedApiResponse(), TOO_LONG)
        prepared = await harness.prepare(RenderedMessage(make_long_parts("a", "b", "c")))

        await prepared.send()

        assert [len(call.text) for call in telegram.sent] == [4000, 2666, 1334, 4000]
        assert read_sounds(telegram) == [True, False, False, False]
        assert await prepared.read_steps() == {"0": "1", "1.0": "2", "1.1": "3"}

    async def test_sent_smaller_part_is_not_repeated(
        self, harness: SendingHarness, telegram: FakeTelegram
    ) -> None:
        telegram.script_responses("sendMessage", TOO_LONG)
        prepared = await harness.prepare(RenderedMessage(FormattedText("a" * 300)), {"0.0": "71"})

        await prepared.send()

        assert [len(call.text) for call in telegram.sent] == [100]

    async def test_smaller_parts_are_split_again(
        self, harness: SendingHarness, telegram: FakeTelegram
    ) -> None:
        telegram.script_responses("sendMessage", TOO_LONG, TOO_LONG)
        prepared = await harness.prepare(RenderedMessage(FormattedText("a" * 900)))

        await prepared.send()

        assert [len(call.text) for call in telegram.sent] == [400, 200, 300]
        assert read_sounds(telegram) == [True, False, False]
        assert await prepared.read_steps() == {"0.0.0": "1", "0.0.1": "2"}

    @pytest.mark.parametrize(("length", "messages"), [(255, 0), (256, 2)])
    async def test_short_message_refused_as_too_long_is_not_split(
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

    async def test_refused_formatting_is_dropped_and_counted(
        self, harness: SendingHarness, telegram: FakeTelegram
    ) -> None:
        before = count_sends("formatting_refused")
        telegram.script_responses("sendMessage", ENTITIES_REFUSED)
        rows = ((InlineButton(label="One", data="model:1"),),)

        await (await harness.prepare(RenderedMessage(self.FORMATTED, button_rows=rows))).send()

        first, second = telegram.calls_to("sendMessage")
        assert second.parameters == {
            name: value for name, value in first.parameters.items() if name != "entities"
        }
        assert count_sends("formatting_refused") == before + 1

    async def test_refused_plain_text_is_not_repeated(
        self, harness: SendingHarness, telegram: FakeTelegram
    ) -> None:
        before = count_sends("formatting_refused")
        telegram.script_responses("sendMessage", ENTITIES_REFUSED)

        with pytest.raises(EntityParseError):
            await (await harness.prepare(RenderedMessage(FormattedText("plain")))).send()

        assert len(telegram.calls_to("sendMessage")) == 1
        assert count_sends("formatting_refused") == before


class TestUncertain:
    async def test_unanswered_message_is_rejected_after_three_attempts(
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

    async def test_uncertain_attempts_are_counted_per_part(
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
