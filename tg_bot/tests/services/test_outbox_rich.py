"""A letter in rich messages: what stands in for those that are refused, and what comes once."""

import pytest
from telegramify_markdown.entity import MessageEntity

from smart_kit.errors import RejectMessage, RetryMessage
from smart_kit.testing.fake_telegram import FakeTelegram, Scripted, refusal
from tg_bot.src.client.errors import TelegramBadRequest
from tg_bot.src.rendering.formatted import Formatted
from tg_bot.src.rendering.rich import Letter, Piece
from tg_bot.tests.services.delivery_helpers import sends_counted
from tg_bot.tests.services.hand import Hand

REFUSED = refusal(400, "Bad Request: RICH_MESSAGE_URL_INVALID")
NOT_FOUND = refusal(400, "Bad Request: chat not found")
UNKNOWN = refusal(404, "Not Found: method not found")
CUT = Scripted(cut="before")


def table(text: str) -> Piece:
    """Blocks, and other words that say the same."""
    plain = Formatted(f"{text} in words", (MessageEntity("bold", 0, 2),))
    return Piece(plain, ({"type": "paragraph", "text": text},))


RECEIPT = Piece(Formatted("a receipt"))
TWO_TABLES = Letter(Formatted("all in words"), (table("one"), table("two")))
TABLE_AND_RECEIPT = Letter(Formatted("all in words"), (table("one"), RECEIPT))
ALL = Letter(Formatted("all in words"), (table("one"), table("two"), RECEIPT))


def said(telegram: FakeTelegram) -> list[str]:
    """What was sent: `*` stands before what is rich."""
    return [
        f"{'*' if call.method == 'sendRichMessage' else ''}{call.text}" for call in telegram.sent
    ]


def sounds(telegram: FakeTelegram) -> list[bool]:
    """Whether each message that was sent makes a sound."""
    return ["disable_notification" not in call.parameters for call in telegram.sent]


async def test_each_piece_is_a_message_and_a_step_but_the_last(
    hand: Hand, telegram: FakeTelegram
) -> None:
    parcel = await hand.parcel(ALL)

    await parcel.attempt()

    assert said(telegram) == ["*one", "*two", "a receipt"]
    assert sounds(telegram) == [True, False, False]
    assert telegram.sent[0].parameters == {
        "chat_id": 7,
        "rich_message": {
            "blocks": [{"type": "paragraph", "text": "one"}],
            "skip_entity_detection": True,
        },
    }
    assert await parcel.steps() == {"rich:0": "1", "rich:1": "2"}
    assert hand.pace.waited == [7, 7, 7]


async def test_where_the_last_piece_is_rich_it_is_no_step(
    hand: Hand, telegram: FakeTelegram
) -> None:
    parcel = await hand.parcel(TWO_TABLES)

    await parcel.attempt(is_silent=True)

    assert said(telegram) == ["*one", "*two"]
    assert sounds(telegram) == [False, False]
    assert await parcel.steps() == {"rich:0": "1"}


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
async def test_a_letter_goes_on_in_the_form_in_which_it_was_begun(
    hand: Hand,
    telegram: FakeTelegram,
    steps: dict[str, str],
    is_wanted: bool,
    is_known: bool,
    expected: list[str],
) -> None:
    hand.outbox.knows_rich = is_known
    parcel = await hand.parcel(TWO_TABLES, steps)

    await parcel.attempt(is_rich=is_wanted)

    assert said(telegram) == expected


async def test_a_letter_that_text_shows_whole_is_never_rich(
    hand: Hand, telegram: FakeTelegram
) -> None:
    await (await hand.parcel(Letter(Formatted("words")))).attempt()
    assert said(telegram) == ["words"]


async def test_a_refused_piece_goes_as_text_and_is_counted(
    hand: Hand, telegram: FakeTelegram
) -> None:
    before = sends_counted("rich_refused")
    telegram.script("sendRichMessage", REFUSED)
    parcel = await hand.parcel(TWO_TABLES)

    await parcel.attempt()

    assert said(telegram) == ["one in words", "*two"]
    assert telegram.sent[0].parameters["entities"] == [{"type": "bold", "offset": 0, "length": 2}]
    assert sounds(telegram) == [True, False]
    assert await parcel.steps() == {"rich:0.0": "1"}
    assert sends_counted("rich_refused") == before + 1
    assert hand.outbox.knows_rich, "a server that refuses one may take the next"


async def test_a_refused_last_piece_is_no_step_either(hand: Hand, telegram: FakeTelegram) -> None:
    telegram.script("sendRichMessage", Scripted(), REFUSED)
    parcel = await hand.parcel(TWO_TABLES)

    await parcel.attempt()

    assert said(telegram) == ["*one", "two in words"]
    assert sounds(telegram) == [True, False]
    assert await parcel.steps() == {"rich:0": "1"}


async def test_a_server_that_knows_no_rich_messages_is_not_asked_for_the_next_letter(
    hand: Hand, telegram: FakeTelegram
) -> None:
    before = sends_counted("rich_unknown")
    telegram.script("sendRichMessage", UNKNOWN)

    await (await hand.parcel(TABLE_AND_RECEIPT)).attempt()

    assert said(telegram) == ["one in words", "a receipt"]
    assert hand.outbox.knows_rich is False
    assert sends_counted("rich_unknown") == before + 1


class TestGivenUp:
    """A letter that cannot be sent does not take the receipts with it."""

    async def test_what_was_done_is_said_and_the_letter_is_still_refused(
        self, hand: Hand, telegram: FakeTelegram
    ) -> None:
        telegram.script("sendRichMessage", REFUSED)
        telegram.script("sendMessage", NOT_FOUND)
        parcel = await hand.parcel(ALL)

        with pytest.raises(TelegramBadRequest, match="chat not found"):
            await parcel.attempt()

        assert said(telegram) == ["a receipt"]
        assert sounds(telegram) == [False], "it is not the answer's beginning"
        assert await parcel.steps() == {"rich:given up": "", "rich:2.0": "1"}

    async def test_so_it_is_where_nobody_knows_whether_it_has_arrived(
        self, hand: Hand, telegram: FakeTelegram
    ) -> None:
        telegram.script("sendRichMessage", CUT)
        parcel = await hand.parcel(TABLE_AND_RECEIPT, {"uncertain:rich:0": "2"})

        with pytest.raises(RejectMessage, match=r"^Sent 3 times without an answer"):
            await parcel.attempt()

        assert said(telegram) == ["a receipt"]

    async def test_a_receipt_that_has_to_wait_is_sent_by_the_next_attempt_without_the_letter(
        self, hand: Hand, telegram: FakeTelegram
    ) -> None:
        telegram.script("sendRichMessage", CUT)
        telegram.script("sendMessage", CUT)
        parcel = await hand.parcel(TABLE_AND_RECEIPT, {"uncertain:rich:0": "2"})
        with pytest.raises(RetryMessage):
            await parcel.attempt()
        reason = (await parcel.steps())["rich:given up"]
        assert reason.startswith("Sent 3 times without an answer: sendRichMessage")

        with pytest.raises(RejectMessage) as refused:
            await parcel.attempt()

        assert refused.value.message == reason
        assert said(telegram) == ["a receipt"]
        assert len(telegram.calls_of("sendRichMessage")) == 1
        assert (await parcel.steps())["rich:given up"] == ""

    async def test_a_receipt_that_has_gone_is_not_sent_again(
        self, hand: Hand, telegram: FakeTelegram
    ) -> None:
        steps = {"rich:given up": "no answer", "rich:1.0": "71"}
        parcel = await hand.parcel(TABLE_AND_RECEIPT, steps)

        with pytest.raises(RejectMessage, match=r"^no answer$"):
            await parcel.attempt()

        assert telegram.calls == []

    async def test_nothing_follows_where_there_is_no_receipt(
        self, hand: Hand, telegram: FakeTelegram
    ) -> None:
        telegram.script("sendRichMessage", REFUSED)
        telegram.script("sendMessage", NOT_FOUND)
        parcel = await hand.parcel(TWO_TABLES)

        with pytest.raises(TelegramBadRequest, match="chat not found"):
            await parcel.attempt()

        assert telegram.sent == []
        assert await parcel.steps() == {}

    async def test_a_receipt_that_is_refused_itself_is_tried_once(
        self, hand: Hand, telegram: FakeTelegram
    ) -> None:
        telegram.script("sendMessage", NOT_FOUND)
        parcel = await hand.parcel(TABLE_AND_RECEIPT)

        with pytest.raises(TelegramBadRequest, match="chat not found"):
            await parcel.attempt()

        assert said(telegram) == ["*one"]
        assert len(telegram.calls_of("sendMessage")) == 1
        assert await parcel.steps() == {"rich:0": "1"}
