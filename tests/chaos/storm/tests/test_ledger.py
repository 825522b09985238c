"""The ledger of a storm tells whatever is not as it should be."""

import pytest

from tests.chaos.storm.entry import LATEST_SECONDS, Deeds
from tests.chaos.storm.ledger import Ledger
from tests.chaos.storm.message import FIRST_NUMBER, Heard, Kind
from tests.chaos.storm.plan import Plan
from tests.chaos.storm.report import problems
from tests.chaos.storm.storm import Outcome
from tests.chaos.storm.tests.samples import BEGUN, SORRY, answer, heard, numbers, once, said
from tests.chaos.storm.whole_suite import counted
from tg_bot.src.texts.notices import NOTICES


def test_a_ledger_in_order_has_nothing_to_say() -> None:
    ledger = Ledger(
        said("sum", "task", "alarm"),
        heard(answer(0), answer(1, "✓"), answer(2, "✓"), f"⏰ item {FIRST_NUMBER + 2}"),
        once(1, 2),
    )

    assert not ledger.lost
    assert not ledger.inverted
    assert not ledger.doubled
    assert not ledger.undone
    assert not ledger.silent
    assert not ledger.repeats
    assert not ledger.strange
    assert not ledger.mistimed
    assert not ledger.unasked


def test_a_message_without_an_answer_is_lost() -> None:
    ledger = Ledger(said("sum", "sum", "sum"), heard(answer(0), answer(2)), Deeds())

    assert numbers(ledger.lost) == [1]


def test_an_answer_in_another_chat_is_none() -> None:
    ledger = Ledger(said("sum"), heard(answer(0), chat_id=2), Deeds())

    assert numbers(ledger.lost) == [0]
    assert len(ledger.strange) == 1


def test_an_answer_that_comes_too_late_is_out_of_order() -> None:
    ledger = Ledger(said("sum", "sum", "sum"), heard(answer(0), answer(2), answer(1)), Deeds())

    assert [one.number for one in ledger.inverted] == [FIRST_NUMBER + 1]


def test_a_repeated_answer_has_to_keep_its_place_too() -> None:
    ledger = Ledger(said("sum", "sum"), heard(answer(0), answer(1), answer(0)), Deeds())

    assert len(ledger.inverted) == 1


def test_an_answer_or_a_reminder_that_comes_twice_is_a_copy() -> None:
    alarm = f"⏰ item {FIRST_NUMBER + 1}"
    texts = (answer(0), answer(0), answer(1, "✓"), alarm, alarm)
    ledger = Ledger(said("sum", "alarm"), heard(*texts), once(1))

    assert [one[0].number for one in ledger.repeats] == [FIRST_NUMBER, FIRST_NUMBER + 1]
    assert not ledger.inverted


@pytest.mark.parametrize(
    "deeds",
    [Deeds({FIRST_NUMBER: 2}, {FIRST_NUMBER: 1}), Deeds({FIRST_NUMBER: 1}, {FIRST_NUMBER: 2})],
    ids=["rows", "records"],
)
def test_what_was_made_twice_is_doubled(deeds: Deeds) -> None:
    ledger = Ledger(said("task"), heard(answer(0, "✓")), deeds)

    assert numbers(ledger.doubled) == [0]


@pytest.mark.parametrize(
    ("receipt", "deeds"),
    [("✓", Deeds()), ("", once(0)), ("✓", Deeds({FIRST_NUMBER: 1}, {}))],
    ids=["claimed", "not told", "without a record"],
)
def test_what_is_told_has_to_be_what_was_done(receipt: str, deeds: Deeds) -> None:
    assert numbers(Ledger(said("task"), heard(answer(0, receipt)), deeds).undone) == [0]


def test_every_copy_of_an_answer_has_to_tell_what_was_done() -> None:
    ledger = Ledger(said("task"), heard(answer(0, "✓"), answer(0)), once(0))

    assert numbers(ledger.undone) == [0]


def test_who_is_told_that_there_is_no_answer_has_to_be_told_what_was_done() -> None:
    assert numbers(Ledger(said("task"), heard(SORRY), once(0)).undone) == [0]
    assert not Ledger(said("task"), heard(SORRY), Deeds()).undone
    ledger = Ledger(said("task"), heard(f"{SORRY} ✓ {FIRST_NUMBER}"), once(0))
    assert not ledger.undone
    assert numbers(ledger.told) == [0]


def test_a_receipt_without_an_answer_has_to_be_true() -> None:
    ledger = Ledger(said("task"), heard(f"{SORRY} ✓"), Deeds())

    assert numbers(ledger.undone) == [0]


@pytest.mark.parametrize(
    ("receipt", "deeds"),
    [("✓", Deeds()), ("", Deeds({FIRST_NUMBER: 1}, {})), ("", Deeds({}, {FIRST_NUMBER: 1}))],
    ids=["claimed", "a row", "a record"],
)
def test_who_has_asked_for_words_gets_nothing_else(receipt: str, deeds: Deeds) -> None:
    assert numbers(Ledger(said("sum"), heard(answer(0, receipt)), deeds).undone) == [0]


def test_a_reminder_that_never_comes_is_missed() -> None:
    assert numbers(Ledger(said("alarm"), heard(answer(0, "✓")), once(0)).silent) == [0]


def test_who_is_told_that_there_is_no_answer_is_not_lost() -> None:
    texts = (answer(0), SORRY, answer(2), SORRY)
    ledger = Ledger(said("sum", "sum", "sum", "sum", "sum"), heard(*texts), Deeds())

    assert numbers(ledger.told) == [1, 3]
    assert numbers(ledger.lost) == [4]


def test_a_word_of_sorrow_out_of_its_place_helps_nobody() -> None:
    ledger = Ledger(said("sum", "sum"), heard(SORRY, answer(0)), Deeds())

    assert numbers(ledger.lost) == [1]
    assert len(ledger.strange) == 1


def test_who_is_told_so_twice_has_one_answer_less_and_a_copy_more() -> None:
    ledger = Ledger(said("sum", "sum"), heard(SORRY, SORRY, SORRY, answer(1)), Deeds())

    assert numbers(ledger.told) == [0]
    assert [len(one) for one in ledger.repeats] == [3]
    assert not ledger.strange


def test_other_words_of_sorrow_are_no_copy() -> None:
    ledger = Ledger(said("sum"), heard(SORRY, NOTICES["turn_failed"][0]), Deeds())

    assert not ledger.repeats
    assert len(ledger.strange) == 1


def test_a_reminder_moves_nobody_to_another_place() -> None:
    """Neither one that comes before its own turn is given up, nor an older one that comes after."""
    alarm = f"⏰ item {FIRST_NUMBER}"
    given_up = Ledger(said("alarm"), heard(alarm, SORRY), once(0))
    older = Ledger(said("alarm", "sum"), heard(answer(0, "✓"), SORRY, alarm), once(0))

    assert numbers(given_up.told) == [0]
    assert numbers(older.told) == [1]
    assert not given_up.strange
    assert not older.strange


def alarm_after(seconds: float, kind: Kind = "alarm", answered: int = 1, rows: int = 1) -> Ledger:
    """One message, its answer so many seconds later, and its reminder."""
    texts = ((answered, answer(0, "✓")), (int(seconds), f"⏰ item {FIRST_NUMBER}"))
    told = [Heard(100 + place, 1, BEGUN + at, text) for place, (at, text) in enumerate(texts)]
    return Ledger(said(kind), told, Deeds({FIRST_NUMBER: rows}, {FIRST_NUMBER: 1}))


@pytest.mark.parametrize("seconds", [-1, 0, 8, 1 + LATEST_SECONDS + 10, 3600])
def test_a_reminder_that_comes_early_or_far_too_late_is_told(seconds: float) -> None:
    assert numbers(alarm_after(seconds).mistimed) == [0]


@pytest.mark.parametrize("seconds", [9, 10, 11, 120, LATEST_SECONDS + 10])
def test_a_reminder_may_be_as_late_as_a_storm_makes_it(seconds: float) -> None:
    """Telegram has no parts of a second; who was asked late has promised late."""
    assert not alarm_after(seconds).mistimed
    assert not alarm_after(seconds + 500, answered=510).mistimed


@pytest.mark.parametrize("kind", ["sum", "task", "reminder"])
def test_a_reminder_that_was_asked_for_otherwise_or_not_at_all_is_told(kind: Kind) -> None:
    assert numbers(alarm_after(20, kind).mistimed) == [0]


def test_a_reminder_of_which_there_is_no_row_is_told() -> None:
    assert numbers(alarm_after(20, rows=0).mistimed) == [0]


def test_a_reminder_for_nobody_belongs_to_no_message() -> None:
    texts = (answer(0), f"⏰ item {FIRST_NUMBER + 7}", "⏰ item")

    assert len(Ledger(said("sum"), heard(*texts), Deeds()).strange) == 2


@pytest.mark.parametrize("deeds", [Deeds({FIRST_NUMBER + 7: 1}, {}), Deeds({}, {0: 1})])
def test_what_was_made_for_nobody_is_told(deeds: Deeds) -> None:
    assert len(Ledger(said("sum"), heard(answer(0)), deeds).unasked) == 1


def test_what_bears_no_number_is_counted_too() -> None:
    assert counted([f"item {FIRST_NUMBER}", "an item", ""]) == {FIRST_NUMBER: 1, 0: 2}


def test_a_wrong_reminder_and_what_nobody_asked_for_break_the_storm() -> None:
    good, bad = said("alarm"), heard(answer(0, "✓"), f"⏰ item {FIRST_NUMBER}")
    right = outcome(Ledger(good, bad, once(0)))
    wrong = outcome(Ledger(good, bad[::-1], once(0, 1)))
    at_once = outcome(alarm_after(0))

    assert not any(problems(right).values())
    assert problems(wrong) == problems(right) | {"effects that nobody asked for": 1}
    assert problems(at_once) == problems(right) | {"reminders that came wrongly": 1}


def outcome(ledger: Ledger) -> Outcome:
    """Of a storm in which nothing else was wrong."""
    return Outcome(
        plan=Plan(),
        ledger=ledger,
        hits=[],
        unexplained=[],
        unanswered=0,
        dead_letters=0,
        model_faults=0,
        sender="tg_bot",
        stormed=0.0,
        faults_left=0,
        is_quiet=True,
    )
