"""Which copies of a message the verifier of a storm allows."""

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
def test_a_copy_is_explained_by_a_sender_that_died_while_it_sent(
    seconds: float, is_explained: bool
) -> None:
    at, copies = START_TIME + seconds, make_bot_messages(make_answer_text(0), make_answer_text(0))
    fault_records = [FaultRecord("kill", at, at, "tg_bot")]

    assert find_unexplained([copies], fault_records, SendLog()) == (
        [] if is_explained else copies[1:]
    )


def make_duplicates(chat_id: int, place: int = 0, seconds: float = 10) -> list[BotMessage]:
    """Something that was said at BEGUN, and again so many seconds later."""
    number, text = 100 * chat_id + 2 * place, make_answer_text(chat_id + place)
    return [
        BotMessage(number, chat_id, START_TIME, text),
        BotMessage(number + 1, chat_id, START_TIME + int(seconds), text),
    ]


SENDER_KILL = FaultRecord("kill", START_TIME + 1, START_TIME + 1, "tg_bot")


def test_one_death_explains_one_copy_of_a_message() -> None:
    copies = make_bot_messages(*[make_answer_text(0)] * 7)
    close = [
        BotMessage(one.message_id, 1, START_TIME + place // 3, "")
        for place, one in enumerate(copies)
    ]

    assert len(find_unexplained([copies], [SENDER_KILL], SendLog())) == 5
    assert len(find_unexplained([close], [SENDER_KILL], SendLog())) == 5


def test_one_death_explains_one_copy_in_each_chat() -> None:
    repeats = [make_duplicates(1, place) for place in range(40)]

    assert len(find_unexplained(repeats, [SENDER_KILL], SendLog())) == 39
    assert not find_unexplained(
        [make_duplicates(chat) for chat in range(MAX_CONCURRENT_CHATS)], [SENDER_KILL], SendLog()
    )
    assert (
        len(
            find_unexplained(
                [make_duplicates(chat) for chat in range(MAX_CONCURRENT_CHATS + 3)],
                [SENDER_KILL],
                SendLog(),
            )
        )
        == 3
    )


@pytest.mark.parametrize(("seconds", "is_explained"), [(0, False), (89, True), (300, False)])
def test_a_copy_comes_after_the_hit_and_soon(seconds: float, is_explained: bool) -> None:
    assert (
        bool(find_unexplained([make_duplicates(1, 0, seconds)], [SENDER_KILL], SendLog()))
        != is_explained
    )


@pytest.mark.parametrize(("at", "is_explained"), [(START_TIME + 1, True), (START_TIME - 30, False)])
def test_what_redis_could_not_be_told_is_in_flight_for_longer(
    at: float, is_explained: bool
) -> None:
    late = FaultRecord("kill", START_TIME + 12, START_TIME + 12, "tg_bot")
    outages = [FaultRecord("stop", at, at + 10, "redis")]

    assert (
        find_unexplained([make_duplicates(1, 0, 40)], [late], SendLog())
        == make_duplicates(1, 0, 40)[1:]
    )
    assert (
        bool(find_unexplained([make_duplicates(1, 0, 40)], [late], SendLog(), outages))
        != is_explained
    )


def test_a_lost_answer_is_used_for_the_copy_that_no_hit_explains() -> None:
    first, copy = make_duplicates(1)
    copies = [first, copy, BotMessage(copy.message_id + 1, 1, copy.sent_at + 5, copy.text)]
    log = SendLog({first.message_id: "reply:7"}, Counter({"reply:7": 1}))

    assert not find_unexplained([copies], [SENDER_KILL], log)
    assert len(find_unexplained([copies], [], log)) == 1


@pytest.mark.parametrize(
    ("lost", "explained"), [({"reply:7": 2}, 2), ({"reply:7": 1}, 1), ({"reply:8": 2}, 0)]
)
def test_a_copy_is_explained_by_its_own_lost_answer_and_by_no_other(
    lost: dict[str, int], explained: int
) -> None:
    copies = make_bot_messages(make_answer_text(0), make_answer_text(0), make_answer_text(0))
    log = SendLog({102: "reply:7"}, Counter(lost))

    assert len(find_unexplained([copies], [], log)) == 2 - explained


@pytest.mark.parametrize("letters", [("reply:7", "reply:8"), ("run:a", "run:b")])
def test_another_letter_is_no_repetition_of_the_senders(letters: tuple[str, str]) -> None:
    """Whatever has happened to it: it was doubled before the sender had it."""
    text = make_answer_text(0) if letters[0] == "reply:7" else f"⏰ item {FIRST_NUMBER}"
    copies = make_bot_messages(text, text)
    log = SendLog({100: letters[0], 101: letters[1]}, Counter(dict.fromkeys(letters, 2)))

    assert find_unexplained([copies], [SENDER_KILL], log) == copies[1:]


def test_each_of_two_letters_may_have_its_own_repetition() -> None:
    copies = make_bot_messages(*[make_answer_text(0)] * 4)
    log = SendLog({100: "reply:7", 101: "reply:8", 103: "reply:7"}, Counter({"reply:8": 1}))

    assert find_unexplained([copies], [], log) == [copies[1], copies[3]]
    log.unconfirmed["reply:7"] = 1
    assert find_unexplained([copies], [], log) == [copies[1]]


def test_whose_apology_it_was_is_only_guessed() -> None:
    """Two people's apologies and a copy: the copy may stand where the second one should."""
    copies = make_bot_messages(FAILURE_TEXT, FAILURE_TEXT)
    log = SendLog({100: "reply:7", 101: "reply:8"}, Counter({"reply:7": 1}))

    assert not find_unexplained([copies], [], log)
    assert find_unexplained([copies], [], SendLog(log.envelope_ids)) == copies[1:]
