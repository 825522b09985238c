"""Which duplicates of a message find_unexplained allows."""

from collections import Counter

import pytest

from tests.chaos.storm.duplicates import SendLog, find_unexplained
from tests.chaos.storm.fault_record import FaultRecord
from tests.chaos.storm.message import FIRST_NUMBER, BotMessage
from tests.chaos.storm.tests.samples import (
    FAILURE_TEXT,
    START_TIME,
    make_answer_text,
    make_bot_messages,
)
from tg_bot.src.services.response_handler import MAX_CONCURRENT_CHATS


@pytest.mark.parametrize(("seconds", "is_explained"), [(-5, False), (1, True), (8, False)])
def test_a_copy_is_explained_by_a_kill_during_the_send(seconds: float, is_explained: bool) -> None:
    at, copies = START_TIME + seconds, make_bot_messages(make_answer_text(0), make_answer_text(0))
    fault_records = [FaultRecord("kill", at, at, "tg_bot")]

    assert find_unexplained([copies], fault_records, SendLog()) == (
        [] if is_explained else copies[1:]
    )


def make_duplicates(chat_id: int, index: int = 0, seconds: float = 10) -> list[BotMessage]:
    """Make a message that was sent at START_TIME, and again so many seconds later."""
    message_id, text = 100 * chat_id + 2 * index, make_answer_text(chat_id + index)
    return [
        BotMessage(message_id, chat_id, START_TIME, text),
        BotMessage(message_id + 1, chat_id, START_TIME + int(seconds), text),
    ]


SENDER_KILL = FaultRecord("kill", START_TIME + 1, START_TIME + 1, "tg_bot")


def test_one_kill_explains_one_copy_of_a_message() -> None:
    copies = make_bot_messages(*[make_answer_text(0)] * 7)
    close = [
        BotMessage(message.message_id, 1, START_TIME + position // 3, "")
        for position, message in enumerate(copies)
    ]

    assert len(find_unexplained([copies], [SENDER_KILL], SendLog())) == 5
    assert len(find_unexplained([close], [SENDER_KILL], SendLog())) == 5


def test_one_kill_explains_one_copy_in_each_chat() -> None:
    in_one_chat = [make_duplicates(1, index) for index in range(40)]
    in_many_chats = [make_duplicates(chat) for chat in range(MAX_CONCURRENT_CHATS)]
    in_too_many_chats = [make_duplicates(chat) for chat in range(MAX_CONCURRENT_CHATS + 3)]

    assert len(find_unexplained(in_one_chat, [SENDER_KILL], SendLog())) == 39
    assert not find_unexplained(in_many_chats, [SENDER_KILL], SendLog())
    assert len(find_unexplained(in_too_many_chats, [SENDER_KILL], SendLog())) == 3


@pytest.mark.parametrize(("seconds", "is_explained"), [(0, False), (89, True), (300, False)])
def test_a_kill_explains_only_copies_shortly_after_it(seconds: float, is_explained: bool) -> None:
    duplicates = make_duplicates(1, seconds=seconds)

    assert bool(find_unexplained([duplicates], [SENDER_KILL], SendLog())) != is_explained


@pytest.mark.parametrize(("at", "is_explained"), [(START_TIME + 1, True), (START_TIME - 30, False)])
def test_an_outage_of_redis_lengthens_the_window_of_a_kill(at: float, is_explained: bool) -> None:
    late = FaultRecord("kill", START_TIME + 12, START_TIME + 12, "tg_bot")
    outages = [FaultRecord("stop", at, at + 10, "redis")]
    duplicates = make_duplicates(1, seconds=40)

    assert find_unexplained([duplicates], [late], SendLog()) == duplicates[1:]
    assert bool(find_unexplained([duplicates], [late], SendLog(), outages)) != is_explained


def test_a_lost_response_explains_the_copy_that_no_kill_explains() -> None:
    first, copy = make_duplicates(1)
    copies = [first, copy, BotMessage(copy.message_id + 1, 1, copy.sent_at + 5, copy.text)]
    log = SendLog({first.message_id: "reply:7"}, Counter({"reply:7": 1}))

    assert not find_unexplained([copies], [SENDER_KILL], log)
    assert len(find_unexplained([copies], [], log)) == 1


@pytest.mark.parametrize(
    ("lost", "explained"), [({"reply:7": 2}, 2), ({"reply:7": 1}, 1), ({"reply:8": 2}, 0)]
)
def test_a_lost_response_explains_only_copies_of_its_envelope(
    lost: dict[str, int], explained: int
) -> None:
    copies = make_bot_messages(make_answer_text(0), make_answer_text(0), make_answer_text(0))
    log = SendLog({102: "reply:7"}, Counter(lost))

    assert len(find_unexplained([copies], [], log)) == 2 - explained


@pytest.mark.parametrize("envelopes", [("reply:7", "reply:8"), ("run:a", "run:b")])
def test_a_copy_from_another_envelope_is_never_explained(envelopes: tuple[str, str]) -> None:
    """The message was duplicated before it reached the sender."""
    text = make_answer_text(0) if envelopes[0] == "reply:7" else f"⏰ item {FIRST_NUMBER}"
    copies = make_bot_messages(text, text)
    log = SendLog({100: envelopes[0], 101: envelopes[1]}, Counter(dict.fromkeys(envelopes, 2)))

    assert find_unexplained([copies], [SENDER_KILL], log) == copies[1:]


def test_each_of_two_envelopes_may_have_an_explained_copy() -> None:
    copies = make_bot_messages(*[make_answer_text(0)] * 4)
    log = SendLog({100: "reply:7", 101: "reply:8", 103: "reply:7"}, Counter({"reply:8": 1}))

    assert find_unexplained([copies], [], log) == [copies[1], copies[3]]
    log.unconfirmed["reply:7"] = 1
    assert find_unexplained([copies], [], log) == [copies[1]]


def test_failure_replies_without_a_number_share_their_lost_responses() -> None:
    """The verifier only guesses to which message they belong."""
    copies = make_bot_messages(FAILURE_TEXT, FAILURE_TEXT)
    log = SendLog({100: "reply:7", 101: "reply:8"}, Counter({"reply:7": 1}))

    assert not find_unexplained([copies], [], log)
    assert find_unexplained([copies], [], SendLog(log.envelope_ids)) == copies[1:]
