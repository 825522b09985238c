"""The verifier of a storm finds whatever is not as it should be."""

import pytest

from tests.chaos.storm.message import FIRST_NUMBER, BotMessage, Kind
from tests.chaos.storm.message_record import LATEST_SECONDS, Effects
from tests.chaos.storm.plan import Plan
from tests.chaos.storm.report import problems
from tests.chaos.storm.storm import Outcome
from tests.chaos.storm.tests.samples import BEGUN, SORRY, answer, heard, made_once, numbers, said
from tests.chaos.storm.verifier import Verifier
from tests.chaos.storm.whole_suite import counted
from tg_bot.src.texts.notices import NOTICES


def test_a_ledger_in_order_has_nothing_to_say() -> None:
    verifier = Verifier(
        said("sum", "task", "alarm"),
        heard(answer(0), answer(1, "✓"), answer(2, "✓"), f"⏰ item {FIRST_NUMBER + 2}"),
        made_once(1, 2),
    )

    assert not verifier.lost
    assert not verifier.out_of_order
    assert not verifier.doubled
    assert not verifier.inconsistent
    assert not verifier.missing_reminders
    assert not verifier.repeats
    assert not verifier.unattributed
    assert not verifier.mistimed
    assert not verifier.unasked


def test_a_message_without_an_answer_is_lost() -> None:
    verifier = Verifier(said("sum", "sum", "sum"), heard(answer(0), answer(2)), Effects())

    assert numbers(verifier.lost) == [1]


def test_an_answer_in_another_chat_is_none() -> None:
    verifier = Verifier(said("sum"), heard(answer(0), chat_id=2), Effects())

    assert numbers(verifier.lost) == [0]
    assert len(verifier.unattributed) == 1


def test_an_answer_that_comes_too_late_is_out_of_order() -> None:
    verifier = Verifier(
        said("sum", "sum", "sum"), heard(answer(0), answer(2), answer(1)), Effects()
    )

    assert [one.number for one in verifier.out_of_order] == [FIRST_NUMBER + 1]


def test_a_repeated_answer_has_to_keep_its_place_too() -> None:
    verifier = Verifier(said("sum", "sum"), heard(answer(0), answer(1), answer(0)), Effects())

    assert len(verifier.out_of_order) == 1


def test_an_answer_or_a_reminder_that_comes_twice_is_a_copy() -> None:
    alarm = f"⏰ item {FIRST_NUMBER + 1}"
    texts = (answer(0), answer(0), answer(1, "✓"), alarm, alarm)
    verifier = Verifier(said("sum", "alarm"), heard(*texts), made_once(1))

    assert [one[0].number for one in verifier.repeats] == [FIRST_NUMBER, FIRST_NUMBER + 1]
    assert not verifier.out_of_order


@pytest.mark.parametrize(
    "effects",
    [Effects({FIRST_NUMBER: 2}, {FIRST_NUMBER: 1}), Effects({FIRST_NUMBER: 1}, {FIRST_NUMBER: 2})],
    ids=["rows", "records"],
)
def test_what_was_made_twice_is_doubled(effects: Effects) -> None:
    verifier = Verifier(said("task"), heard(answer(0, "✓")), effects)

    assert numbers(verifier.doubled) == [0]


@pytest.mark.parametrize(
    ("receipt", "effects"),
    [("✓", Effects()), ("", made_once(0)), ("✓", Effects({FIRST_NUMBER: 1}, {}))],
    ids=["claimed", "not told", "without a record"],
)
def test_what_is_told_has_to_be_what_was_done(receipt: str, effects: Effects) -> None:
    assert numbers(Verifier(said("task"), heard(answer(0, receipt)), effects).inconsistent) == [0]


def test_every_copy_of_an_answer_has_to_tell_what_was_done() -> None:
    verifier = Verifier(said("task"), heard(answer(0, "✓"), answer(0)), made_once(0))

    assert numbers(verifier.inconsistent) == [0]


def test_who_is_told_that_there_is_no_answer_has_to_be_told_what_was_done() -> None:
    assert numbers(Verifier(said("task"), heard(SORRY), made_once(0)).inconsistent) == [0]
    assert not Verifier(said("task"), heard(SORRY), Effects()).inconsistent
    verifier = Verifier(said("task"), heard(f"{SORRY} ✓ {FIRST_NUMBER}"), made_once(0))
    assert not verifier.inconsistent
    assert numbers(verifier.apologised) == [0]


def test_a_receipt_without_an_answer_has_to_be_true() -> None:
    verifier = Verifier(said("task"), heard(f"{SORRY} ✓"), Effects())

    assert numbers(verifier.inconsistent) == [0]


@pytest.mark.parametrize(
    ("receipt", "effects"),
    [("✓", Effects()), ("", Effects({FIRST_NUMBER: 1}, {})), ("", Effects({}, {FIRST_NUMBER: 1}))],
    ids=["claimed", "a row", "a record"],
)
def test_who_has_asked_for_words_gets_nothing_else(receipt: str, effects: Effects) -> None:
    assert numbers(Verifier(said("sum"), heard(answer(0, receipt)), effects).inconsistent) == [0]


def test_a_reminder_that_never_comes_is_missed() -> None:
    assert numbers(
        Verifier(said("alarm"), heard(answer(0, "✓")), made_once(0)).missing_reminders
    ) == [0]


def test_who_is_told_that_there_is_no_answer_is_not_lost() -> None:
    texts = (answer(0), SORRY, answer(2), SORRY)
    verifier = Verifier(said("sum", "sum", "sum", "sum", "sum"), heard(*texts), Effects())

    assert numbers(verifier.apologised) == [1, 3]
    assert numbers(verifier.lost) == [4]


def test_a_word_of_sorrow_out_of_its_place_helps_nobody() -> None:
    verifier = Verifier(said("sum", "sum"), heard(SORRY, answer(0)), Effects())

    assert numbers(verifier.lost) == [1]
    assert len(verifier.unattributed) == 1


def test_who_is_told_so_twice_has_one_answer_less_and_a_copy_more() -> None:
    verifier = Verifier(said("sum", "sum"), heard(SORRY, SORRY, SORRY, answer(1)), Effects())

    assert numbers(verifier.apologised) == [0]
    assert [len(one) for one in verifier.repeats] == [3]
    assert not verifier.unattributed


def test_other_words_of_sorrow_are_no_copy() -> None:
    verifier = Verifier(said("sum"), heard(SORRY, NOTICES["turn_failed"][0]), Effects())

    assert not verifier.repeats
    assert len(verifier.unattributed) == 1


def test_a_reminder_moves_nobody_to_another_place() -> None:
    """Neither one that comes before its own turn is given up, nor an older one that comes after."""
    alarm = f"⏰ item {FIRST_NUMBER}"
    given_up = Verifier(said("alarm"), heard(alarm, SORRY), made_once(0))
    older = Verifier(said("alarm", "sum"), heard(answer(0, "✓"), SORRY, alarm), made_once(0))

    assert numbers(given_up.apologised) == [0]
    assert numbers(older.apologised) == [1]
    assert not given_up.unattributed
    assert not older.unattributed


def alarm_after(seconds: float, kind: Kind = "alarm", answered: int = 1, rows: int = 1) -> Verifier:
    """One message, its answer so many seconds later, and its reminder."""
    texts = ((answered, answer(0, "✓")), (int(seconds), f"⏰ item {FIRST_NUMBER}"))
    told = [BotMessage(100 + place, 1, BEGUN + at, text) for place, (at, text) in enumerate(texts)]
    return Verifier(said(kind), told, Effects({FIRST_NUMBER: rows}, {FIRST_NUMBER: 1}))


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

    assert len(Verifier(said("sum"), heard(*texts), Effects()).unattributed) == 2


@pytest.mark.parametrize("deeds", [Effects({FIRST_NUMBER + 7: 1}, {}), Effects({}, {0: 1})])
def test_what_was_made_for_nobody_is_told(deeds: Effects) -> None:
    assert len(Verifier(said("sum"), heard(answer(0)), deeds).unasked) == 1


def test_what_bears_no_number_is_counted_too() -> None:
    assert counted([f"item {FIRST_NUMBER}", "an item", ""]) == {FIRST_NUMBER: 1, 0: 2}


def test_a_wrong_reminder_and_what_nobody_asked_for_break_the_storm() -> None:
    good, bad = said("alarm"), heard(answer(0, "✓"), f"⏰ item {FIRST_NUMBER}")
    right = outcome(Verifier(good, bad, made_once(0)))
    wrong = outcome(Verifier(good, bad[::-1], made_once(0, 1)))
    at_once = outcome(alarm_after(0))

    assert not any(problems(right).values())
    assert problems(wrong) == problems(right) | {"effects that nobody asked for": 1}
    assert problems(at_once) == problems(right) | {"reminders that came wrongly": 1}


def outcome(verifier: Verifier) -> Outcome:
    """Of a storm in which nothing else was wrong."""
    return Outcome(
        plan=Plan(),
        verifier=verifier,
        fault_records=[],
        unexplained=[],
        unanswered=0,
        dead_letters=0,
        model_faults=0,
        sender="tg_bot",
        storm_seconds=0.0,
        faults_left=0,
        is_quiet=True,
    )
