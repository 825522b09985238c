"""Which copies of a message the verifier of a storm allows."""

from collections import Counter

import pytest

from tests.chaos.storm.duplicates import SendLog, unexplained
from tests.chaos.storm.fault_record import FaultRecord
from tests.chaos.storm.message import FIRST_NUMBER, BotMessage
from tests.chaos.storm.tests.samples import BEGUN, SORRY, answer, heard
from tg_bot.src.main import SLOTS


@pytest.mark.parametrize(("seconds", "is_explained"), [(-5, False), (1, True), (8, False)])
def test_a_copy_is_explained_by_a_sender_that_died_while_it_sent(
    seconds: float, is_explained: bool
) -> None:
    at, copies = BEGUN + seconds, heard(answer(0), answer(0))
    fault_records = [FaultRecord("kill", at, at, "tg_bot")]

    assert unexplained([copies], fault_records, SendLog()) == ([] if is_explained else copies[1:])


def twice(chat_id: int, place: int = 0, seconds: float = 10) -> list[BotMessage]:
    """Something that was said at BEGUN, and again so many seconds later."""
    number, text = 100 * chat_id + 2 * place, answer(chat_id + place)
    return [
        BotMessage(number, chat_id, BEGUN, text),
        BotMessage(number + 1, chat_id, BEGUN + int(seconds), text),
    ]


DEATH = FaultRecord("kill", BEGUN + 1, BEGUN + 1, "tg_bot")


def test_one_death_explains_one_copy_of_a_message() -> None:
    copies = heard(*[answer(0)] * 7)
    close = [
        BotMessage(one.message_id, 1, BEGUN + place // 3, "") for place, one in enumerate(copies)
    ]

    assert len(unexplained([copies], [DEATH], SendLog())) == 5
    assert len(unexplained([close], [DEATH], SendLog())) == 5


def test_one_death_explains_one_copy_in_each_chat() -> None:
    repeats = [twice(1, place) for place in range(40)]

    assert len(unexplained(repeats, [DEATH], SendLog())) == 39
    assert not unexplained([twice(chat) for chat in range(SLOTS)], [DEATH], SendLog())
    assert len(unexplained([twice(chat) for chat in range(SLOTS + 3)], [DEATH], SendLog())) == 3


@pytest.mark.parametrize(("seconds", "is_explained"), [(0, False), (89, True), (300, False)])
def test_a_copy_comes_after_the_hit_and_soon(seconds: float, is_explained: bool) -> None:
    assert bool(unexplained([twice(1, 0, seconds)], [DEATH], SendLog())) != is_explained


@pytest.mark.parametrize(("at", "is_explained"), [(BEGUN + 1, True), (BEGUN - 30, False)])
def test_what_redis_could_not_be_told_is_in_flight_for_longer(
    at: float, is_explained: bool
) -> None:
    late = FaultRecord("kill", BEGUN + 12, BEGUN + 12, "tg_bot")
    outages = [FaultRecord("stop", at, at + 10, "redis")]

    assert unexplained([twice(1, 0, 40)], [late], SendLog()) == twice(1, 0, 40)[1:]
    assert bool(unexplained([twice(1, 0, 40)], [late], SendLog(), outages)) != is_explained


def test_a_lost_answer_is_used_for_the_copy_that_no_hit_explains() -> None:
    first, copy = twice(1)
    copies = [first, copy, BotMessage(copy.message_id + 1, 1, copy.at + 5, copy.text)]
    log = SendLog({first.message_id: "reply:7"}, Counter({"reply:7": 1}))

    assert not unexplained([copies], [DEATH], log)
    assert len(unexplained([copies], [], log)) == 1


@pytest.mark.parametrize(
    ("lost", "explained"), [({"reply:7": 2}, 2), ({"reply:7": 1}, 1), ({"reply:8": 2}, 0)]
)
def test_a_copy_is_explained_by_its_own_lost_answer_and_by_no_other(
    lost: dict[str, int], explained: int
) -> None:
    copies = heard(answer(0), answer(0), answer(0))
    log = SendLog({102: "reply:7"}, Counter(lost))

    assert len(unexplained([copies], [], log)) == 2 - explained


@pytest.mark.parametrize("letters", [("reply:7", "reply:8"), ("run:a", "run:b")])
def test_another_letter_is_no_repetition_of_the_senders(letters: tuple[str, str]) -> None:
    """Whatever has happened to it: it was doubled before the sender had it."""
    text = answer(0) if letters[0] == "reply:7" else f"⏰ item {FIRST_NUMBER}"
    copies = heard(text, text)
    log = SendLog({100: letters[0], 101: letters[1]}, Counter(dict.fromkeys(letters, 2)))

    assert unexplained([copies], [DEATH], log) == copies[1:]


def test_each_of_two_letters_may_have_its_own_repetition() -> None:
    copies = heard(*[answer(0)] * 4)
    log = SendLog({100: "reply:7", 101: "reply:8", 103: "reply:7"}, Counter({"reply:8": 1}))

    assert unexplained([copies], [], log) == [copies[1], copies[3]]
    log.unanswered["reply:7"] = 1
    assert unexplained([copies], [], log) == [copies[1]]


def test_whose_apology_it_was_is_only_guessed() -> None:
    """Two people's apologies and a copy: the copy may stand where the second one should."""
    copies = heard(SORRY, SORRY)
    log = SendLog({100: "reply:7", 101: "reply:8"}, Counter({"reply:7": 1}))

    assert not unexplained([copies], [], log)
    assert unexplained([copies], [], SendLog(log.letters)) == copies[1:]
