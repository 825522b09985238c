"""Sending one reply as rich messages: fall-backs for refused ones, and no duplicates."""

import pytest
from telegramify_markdown.entity import MessageEntity

from smart_kit.errors import RejectMessage, RetryMessage
from smart_kit.testing.fake_telegram import FakeTelegram, ScriptedApiResponse, make_api_error
from tg_bot.src.client.errors import TelegramBadRequest
from tg_bot.src.rendering.formatted_text import FormattedText
from tg_bot.src.rendering.rendered_message import MessagePart, RenderedMessage
from tg_bot.tests.services.delivery import count_sends
from tg_bot.tests.services.sending_harness import SendingHarness

REFUSED = make_api_error(400, "Bad Request: RICH_MESSAGE_URL_INVALID")
CHAT_NOT_FOUND = make_api_error(400, "Bad Request: chat not found")
METHOD_NOT_FOUND = make_api_error(404, "Not Found: method not found")
CONNECTION_CUT = ScriptedApiResponse(disconnect="before")


def make_table_part(text: str) -> MessagePart:
    """Return a part with blocks and a different text."""
    plain = FormattedText(f"{text} in words", (MessageEntity("bold", 0, 2),))
    return MessagePart(plain, ({"type": "paragraph", "text": text},))


RECEIPT = MessagePart(FormattedText("a receipt"))
TWO_TABLES = RenderedMessage(
    FormattedText("all in words"), (make_table_part("one"), make_table_part("two"))
)
TABLE_AND_RECEIPT = RenderedMessage(
    FormattedText("all in words"), (make_table_part("one"), RECEIPT)
)
ALL = RenderedMessage(
    FormattedText("all in words"), (make_table_part("one"), make_table_part("two"), RECEIPT)
)


def read_sent(telegram: FakeTelegram) -> list[str]:
    """Return the sent texts; `*` marks rich messages."""
    return [
        f"{'*' if call.method == 'sendRichMessage' else ''}{call.text}" for call in telegram.sent
    ]


def read_sounds(telegram: FakeTelegram) -> list[bool]:
    """Return for each sent message whether it makes a sound."""
    return ["disable_notification" not in call.parameters for call in telegram.sent]


async def test_every_rich_part_except_the_last_is_journaled(
    harness: SendingHarness, telegram: FakeTelegram
) -> None:
    prepared = await harness.prepare(ALL)

    await prepared.send()

    assert read_sent(telegram) == ["*one", "*two", "a receipt"]
    assert read_sounds(telegram) == [True, False, False]
    assert telegram.sent[0].parameters == {
        "chat_id": 7,
        "rich_message": {
            "blocks": [{"type": "paragraph", "text": "one"}],
            "skip_entity_detection": True,
        },
    }
    assert await prepared.read_steps() == {"rich:0": "1", "rich:1": "2"}
    assert harness.rate_limiter.acquired_chats == [7, 7, 7]


async def test_last_rich_part_is_not_journaled(
    harness: SendingHarness, telegram: FakeTelegram
) -> None:
    prepared = await harness.prepare(TWO_TABLES)

    await prepared.send(is_silent=True)

    assert read_sent(telegram) == ["*one", "*two"]
    assert read_sounds(telegram) == [False, False]
    assert await prepared.read_steps() == {"rich:0": "1"}


@pytest.mark.parametrize(
    ("steps", "is_wanted", "is_known", "expected"),
    [
        ({}, True, True, ["*one", "*two"]),
        ({}, False, True, ["all in words"]),
        ({}, True, False, ["all in words"]),
        ({"rich:0": "71"}, True, True, ["*two"]),
        ({"rich:0": "71"}, False, False, ["*two"]),
        ({"uncertain:rich:0": "1"}, False, False, ["*one", "*two"]),
        ({"uncertain:0": "1"}, True, True, ["all in words"]),
        ({"rich:0.0": "71"}, True, True, ["*two"]),
        ({"uncertain:rich:0.0": "1"}, True, True, ["one in words", "*two"]),
    ],
)
async def test_reply_continues_in_the_form_it_was_started_in(
    harness: SendingHarness,
    telegram: FakeTelegram,
    steps: dict[str, str],
    is_wanted: bool,
    is_known: bool,
    expected: list[str],
) -> None:
    harness.message_sender.is_rich_supported = is_known
    prepared = await harness.prepare(TWO_TABLES, steps)

    await prepared.send(is_rich=is_wanted)

    assert read_sent(telegram) == expected


async def test_reply_without_blocks_is_sent_as_text(
    harness: SendingHarness, telegram: FakeTelegram
) -> None:
    await (await harness.prepare(RenderedMessage(FormattedText("words")))).send()
    assert read_sent(telegram) == ["words"]


async def test_refused_rich_part_is_sent_as_text_and_counted(
    harness: SendingHarness, telegram: FakeTelegram
) -> None:
    before = count_sends("rich_refused")
    telegram.script_responses("sendRichMessage", REFUSED)
    prepared = await harness.prepare(TWO_TABLES)

    await prepared.send()

    assert read_sent(telegram) == ["one in words", "*two"]
    assert telegram.sent[0].parameters["entities"] == [{"type": "bold", "offset": 0, "length": 2}]
    assert read_sounds(telegram) == [True, False]
    assert await prepared.read_steps() == {"rich:0.0": "1"}
    assert count_sends("rich_refused") == before + 1
    assert harness.message_sender.is_rich_supported, "a server that refuses one may take the next"


async def test_refused_last_part_is_not_journaled(
    harness: SendingHarness, telegram: FakeTelegram
) -> None:
    telegram.script_responses("sendRichMessage", ScriptedApiResponse(), REFUSED)
    prepared = await harness.prepare(TWO_TABLES)

    await prepared.send()

    assert read_sent(telegram) == ["*one", "two in words"]
    assert read_sounds(telegram) == [True, False]
    assert await prepared.read_steps() == {"rich:0": "1"}


async def test_unsupported_rich_messages_are_disabled(
    harness: SendingHarness, telegram: FakeTelegram
) -> None:
    before = count_sends("rich_unknown")
    telegram.script_responses("sendRichMessage", METHOD_NOT_FOUND)

    await (await harness.prepare(TABLE_AND_RECEIPT)).send()

    assert read_sent(telegram) == ["one in words", "a receipt"]
    assert harness.message_sender.is_rich_supported is False
    assert count_sends("rich_unknown") == before + 1


class TestGivenUp:
    """The receipts of a reply that cannot be sent are sent all the same."""

    async def test_receipts_of_a_refused_reply_are_sent(
        self, harness: SendingHarness, telegram: FakeTelegram
    ) -> None:
        telegram.script_responses("sendRichMessage", REFUSED)
        telegram.script_responses("sendMessage", CHAT_NOT_FOUND)
        prepared = await harness.prepare(ALL)

        with pytest.raises(TelegramBadRequest, match="chat not found"):
            await prepared.send()

        assert read_sent(telegram) == ["a receipt"]
        assert read_sounds(telegram) == [False], "it is not the answer's beginning"
        assert await prepared.read_steps() == {"rich:given up": "", "rich:2.0": "1"}

    async def test_receipts_of_an_uncertain_reply_are_sent(
        self, harness: SendingHarness, telegram: FakeTelegram
    ) -> None:
        telegram.script_responses("sendRichMessage", CONNECTION_CUT)
        prepared = await harness.prepare(TABLE_AND_RECEIPT, {"uncertain:rich:0": "2"})

        with pytest.raises(RejectMessage, match=r"^Sent 3 times without an answer"):
            await prepared.send()

        assert read_sent(telegram) == ["a receipt"]

    async def test_delayed_receipt_is_sent_by_the_next_attempt(
        self, harness: SendingHarness, telegram: FakeTelegram
    ) -> None:
        telegram.script_responses("sendRichMessage", CONNECTION_CUT)
        telegram.script_responses("sendMessage", CONNECTION_CUT)
        prepared = await harness.prepare(TABLE_AND_RECEIPT, {"uncertain:rich:0": "2"})
        with pytest.raises(RetryMessage):
            await prepared.send()
        reason = (await prepared.read_steps())["rich:given up"]
        assert reason.startswith("Sent 3 times without an answer: sendRichMessage")

        with pytest.raises(RejectMessage) as refused:
            await prepared.send()

        assert refused.value.message == reason
        assert read_sent(telegram) == ["a receipt"]
        assert len(telegram.calls_to("sendRichMessage")) == 1
        assert (await prepared.read_steps())["rich:given up"] == ""

    async def test_sent_receipt_is_not_repeated(
        self, harness: SendingHarness, telegram: FakeTelegram
    ) -> None:
        steps = {"rich:given up": "no answer", "rich:1.0": "71"}
        prepared = await harness.prepare(TABLE_AND_RECEIPT, steps)

        with pytest.raises(RejectMessage, match=r"^no answer$"):
            await prepared.send()

        assert telegram.calls == []

    async def test_refused_reply_without_receipts_sends_nothing_more(
        self, harness: SendingHarness, telegram: FakeTelegram
    ) -> None:
        telegram.script_responses("sendRichMessage", REFUSED)
        telegram.script_responses("sendMessage", CHAT_NOT_FOUND)
        prepared = await harness.prepare(TWO_TABLES)

        with pytest.raises(TelegramBadRequest, match="chat not found"):
            await prepared.send()

        assert telegram.sent == []
        assert await prepared.read_steps() == {}

    async def test_refused_receipt_is_tried_once(
        self, harness: SendingHarness, telegram: FakeTelegram
    ) -> None:
        telegram.script_responses("sendMessage", CHAT_NOT_FOUND)
        prepared = await harness.prepare(TABLE_AND_RECEIPT)

        with pytest.raises(TelegramBadRequest, match="chat not found"):
            await prepared.send()

        assert read_sent(telegram) == ["*one"]
        assert len(telegram.calls_to("sendMessage")) == 1
        assert await prepared.read_steps() == {"rich:0": "1"}
