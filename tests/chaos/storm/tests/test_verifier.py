"""The verifier of a storm finds whatever is not as it should be."""

import pytest

from tests.chaos.storm.message import FIRST_NUMBER, BotMessage, MessageKind
from tests.chaos.storm.message_record import MAX_REMINDER_DELAY_SECONDS, EffectCounts
from tests.chaos.storm.plan import StormPlan
from tests.chaos.storm.report import count_violations
from tests.chaos.storm.storm import StormResult
from tests.chaos.storm.tests.samples import (
    FAILURE_TEXT,
    START_TIME,
    get_numbers,
    make_answer_text,
    make_bot_messages,
    make_effects,
    make_user_messages,
)
from tests.chaos.storm.verifier import Verifier
from tests.chaos.storm.whole_suite import count_numbers
from tg_bot.src.texts.notices import NOTICES


def test_a_ledger_in_order_has_nothing_to_say() -> None:
    verifier = Verifier(
        make_user_messages("sum", "task", "alarm"),
        make_bot_messages(
            make_answer_text(0),
            make_answer_text(1, "✓"),
            make_answer_text(2, "✓"),
            f"⏰ item {FIRST_NUMBER + 2}",
        ),
        make_effects(1, 2),
    )

    assert not verifier.lost_messages
    assert not verifier.out_of_order
    assert not verifier.duplicate_effects
    assert not verifier.inconsistent_messages
    assert not verifier.missing_reminders
    assert not verifier.duplicates
    assert not verifier.unattributed
    assert not verifier.mistimed_reminders
    assert not verifier.unrequested_numbers


def test_a_message_without_an_answer_is_lost() -> None:
    verifier = Verifier(
        make_user_messages("sum", "sum", "sum"),
        make_bot_messages(make_answer_text(0), make_answer_text(2)),
        EffectCounts(),
    )

    assert get_numbers(verifier.lost_messages) == [1]


def test_an_answer_in_another_chat_is_none() -> None:
    verifier = Verifier(
        make_user_messages("sum"), make_bot_messages(make_answer_text(0), chat_id=2), EffectCounts()
    )

    assert get_numbers(verifier.lost_messages) == [0]
    assert len(verifier.unattributed) == 1


def test_an_answer_that_comes_too_late_is_out_of_order() -> None:
    verifier = Verifier(
        make_user_messages("sum", "sum", "sum"),
        make_bot_messages(make_answer_text(0), make_answer_text(2), make_answer_text(1)),
        EffectCounts(),
    )

    assert [one.number for one in verifier.out_of_order] == [FIRST_NUMBER + 1]


def test_a_repeated_answer_has_to_keep_its_place_too() -> None:
    verifier = Verifier(
        make_user_messages("sum", "sum"),
        make_bot_messages(make_answer_text(0), make_answer_text(1), make_answer_text(0)),
        EffectCounts(),
    )

    assert len(verifier.out_of_order) == 1


def test_an_answer_or_a_reminder_that_comes_twice_is_a_copy() -> None:
    alarm = f"⏰ item {FIRST_NUMBER + 1}"
    texts = (make_answer_text(0), make_answer_text(0), make_answer_text(1, "✓"), alarm, alarm)
    verifier = Verifier(
        make_user_messages("sum", "alarm"), make_bot_messages(*texts), make_effects(1)
    )

    assert [one[0].number for one in verifier.duplicates] == [FIRST_NUMBER, FIRST_NUMBER + 1]
    assert not verifier.out_of_order


@pytest.mark.parametrize(
    "effects",
    [
        EffectCounts({FIRST_NUMBER: 2}, {FIRST_NUMBER: 1}),
        EffectCounts({FIRST_NUMBER: 1}, {FIRST_NUMBER: 2}),
    ],
    ids=["rows", "records"],
)
def test_what_was_made_twice_is_doubled(effects: EffectCounts) -> None:
    verifier = Verifier(
        make_user_messages("task"), make_bot_messages(make_answer_text(0, "✓")), effects
    )

    assert get_numbers(verifier.duplicate_effects) == [0]


@pytest.mark.parametrize(
    ("receipt", "effects"),
    [("✓", EffectCounts()), ("", make_effects(0)), ("✓", EffectCounts({FIRST_NUMBER: 1}, {}))],
    ids=["claimed", "not told", "without a record"],
)
def test_what_is_told_has_to_be_what_was_done(receipt: str, effects: EffectCounts) -> None:
    assert get_numbers(
        Verifier(
            make_user_messages("task"), make_bot_messages(make_answer_text(0, receipt)), effects
        ).inconsistent_messages
    ) == [0]


def test_every_copy_of_an_answer_has_to_tell_what_was_done() -> None:
    verifier = Verifier(
        make_user_messages("task"),
        make_bot_messages(make_answer_text(0, "✓"), make_answer_text(0)),
        make_effects(0),
    )

    assert get_numbers(verifier.inconsistent_messages) == [0]


def test_who_is_told_that_there_is_no_answer_has_to_be_told_what_was_done() -> None:
    assert get_numbers(
        Verifier(
            make_user_messages("task"), make_bot_messages(FAILURE_TEXT), make_effects(0)
        ).inconsistent_messages
    ) == [0]
    assert not Verifier(
        make_user_messages("task"), make_bot_messages(FAILURE_TEXT), EffectCounts()
    ).inconsistent_messages
    verifier = Verifier(
        make_user_messages("task"),
        make_bot_messages(f"{FAILURE_TEXT} ✓ {FIRST_NUMBER}"),
        make_effects(0),
    )
    assert not verifier.inconsistent_messages
    assert get_numbers(verifier.failed_messages) == [0]


def test_a_receipt_without_an_answer_has_to_be_true() -> None:
    verifier = Verifier(
        make_user_messages("task"), make_bot_messages(f"{FAILURE_TEXT} ✓"), EffectCounts()
    )

    assert get_numbers(verifier.inconsistent_messages) == [0]


@pytest.mark.parametrize(
    ("receipt", "effects"),
    [
        ("✓", EffectCounts()),
        ("", EffectCounts({FIRST_NUMBER: 1}, {})),
        ("", EffectCounts({}, {FIRST_NUMBER: 1})),
    ],
    ids=["claimed", "a row", "a record"],
)
def test_who_has_asked_for_words_gets_nothing_else(receipt: str, effects: EffectCounts) -> None:
    assert get_numbers(
        Verifier(
            make_user_messages("sum"), make_bot_messages(make_answer_text(0, receipt)), effects
        ).inconsistent_messages
    ) == [0]


def test_a_reminder_that_never_comes_is_missed() -> None:
    assert get_numbers(
        Verifier(
            make_user_messages("alarm"),
            make_bot_messages(make_answer_text(0, "✓")),
            make_effects(0),
        ).missing_reminders
    ) == [0]


def test_who_is_told_that_there_is_no_answer_is_not_lost() -> None:
    texts = (make_answer_text(0), FAILURE_TEXT, make_answer_text(2), FAILURE_TEXT)
    verifier = Verifier(
        make_user_messages("sum", "sum", "sum", "sum", "sum"),
        make_bot_messages(*texts),
        EffectCounts(),
    )

    assert get_numbers(verifier.failed_messages) == [1, 3]
    assert get_numbers(verifier.lost_messages) == [4]


def test_a_word_of_sorrow_out_of_its_place_helps_nobody() -> None:
    verifier = Verifier(
        make_user_messages("sum", "sum"),
        make_bot_messages(FAILURE_TEXT, make_answer_text(0)),
        EffectCounts(),
    )

    assert get_numbers(verifier.lost_messages) == [1]
    assert len(verifier.unattributed) == 1


def test_who_is_told_so_twice_has_one_answer_less_and_a_copy_more() -> None:
    verifier = Verifier(
        make_user_messages("sum", "sum"),
        make_bot_messages(FAILURE_TEXT, FAILURE_TEXT, FAILURE_TEXT, make_answer_text(1)),
        EffectCounts(),
    )

    assert get_numbers(verifier.failed_messages) == [0]
    assert [len(one) for one in verifier.duplicates] == [3]
    assert not verifier.unattributed


def test_other_words_of_sorrow_are_no_copy() -> None:
    verifier = Verifier(
        make_user_messages("sum"),
        make_bot_messages(FAILURE_TEXT, NOTICES["turn_failed"][0]),
        EffectCounts(),
    )

    assert not verifier.duplicates
    assert len(verifier.unattributed) == 1


def test_a_reminder_moves_nobody_to_another_place() -> None:
    """Neither one that comes before its own turn is given up, nor an older one that comes after."""
    alarm = f"⏰ item {FIRST_NUMBER}"
    given_up = Verifier(
        make_user_messages("alarm"), make_bot_messages(alarm, FAILURE_TEXT), make_effects(0)
    )
    older = Verifier(
        make_user_messages("alarm", "sum"),
        make_bot_messages(make_answer_text(0, "✓"), FAILURE_TEXT, alarm),
        make_effects(0),
    )

    assert get_numbers(given_up.failed_messages) == [0]
    assert get_numbers(older.failed_messages) == [1]
    assert not given_up.unattributed
    assert not older.unattributed


def make_record_with_alarm(
    seconds: float, kind: MessageKind = "alarm", answered: int = 1, rows: int = 1
) -> Verifier:
    """One message, its answer so many seconds later, and its reminder."""
    texts = ((answered, make_answer_text(0, "✓")), (int(seconds), f"⏰ item {FIRST_NUMBER}"))
    received = [
        BotMessage(100 + place, 1, START_TIME + at, text) for place, (at, text) in enumerate(texts)
    ]
    return Verifier(
        make_user_messages(kind), received, EffectCounts({FIRST_NUMBER: rows}, {FIRST_NUMBER: 1})
    )


@pytest.mark.parametrize("seconds", [-1, 0, 8, 1 + MAX_REMINDER_DELAY_SECONDS + 10, 3600])
def test_a_reminder_that_comes_early_or_far_too_late_is_told(seconds: float) -> None:
    assert get_numbers(make_record_with_alarm(seconds).mistimed_reminders) == [0]


@pytest.mark.parametrize("seconds", [9, 10, 11, 120, MAX_REMINDER_DELAY_SECONDS + 10])
def test_a_reminder_may_be_as_late_as_a_storm_makes_it(seconds: float) -> None:
    """Telegram has no parts of a second; who was asked late has promised late."""
    assert not make_record_with_alarm(seconds).mistimed_reminders
    assert not make_record_with_alarm(seconds + 500, answered=510).mistimed_reminders


@pytest.mark.parametrize("kind", ["sum", "task", "reminder"])
def test_a_reminder_that_was_asked_for_otherwise_or_not_at_all_is_told(kind: MessageKind) -> None:
    assert get_numbers(make_record_with_alarm(20, kind).mistimed_reminders) == [0]


def test_a_reminder_of_which_there_is_no_row_is_told() -> None:
    assert get_numbers(make_record_with_alarm(20, rows=0).mistimed_reminders) == [0]


def test_a_reminder_for_nobody_belongs_to_no_message() -> None:
    texts = (make_answer_text(0), f"⏰ item {FIRST_NUMBER + 7}", "⏰ item")

    assert (
        len(
            Verifier(
                make_user_messages("sum"), make_bot_messages(*texts), EffectCounts()
            ).unattributed
        )
        == 2
    )


@pytest.mark.parametrize(
    "deeds", [EffectCounts({FIRST_NUMBER + 7: 1}, {}), EffectCounts({}, {0: 1})]
)
def test_what_was_made_for_nobody_is_told(deeds: EffectCounts) -> None:
    assert (
        len(
            Verifier(
                make_user_messages("sum"), make_bot_messages(make_answer_text(0)), deeds
            ).unrequested_numbers
        )
        == 1
    )


def test_what_bears_no_number_is_counted_too() -> None:
    assert count_numbers([f"item {FIRST_NUMBER}", "an item", ""]) == {FIRST_NUMBER: 1, 0: 2}


def test_a_wrong_reminder_and_what_nobody_asked_for_break_the_storm() -> None:
    good, bad = (
        make_user_messages("alarm"),
        make_bot_messages(make_answer_text(0, "✓"), f"⏰ item {FIRST_NUMBER}"),
    )
    right = make_result(Verifier(good, bad, make_effects(0)))
    wrong = make_result(Verifier(good, bad[::-1], make_effects(0, 1)))
    at_once = make_result(make_record_with_alarm(0))

    assert not any(count_violations(right).values())
    assert count_violations(wrong) == count_violations(right) | {"effects that nobody asked for": 1}
    assert count_violations(at_once) == count_violations(right) | {"reminders that came wrongly": 1}


def make_result(verifier: Verifier) -> StormResult:
    """Of a storm in which nothing else was wrong."""
    return StormResult(
        plan=StormPlan(),
        verifier=verifier,
        fault_records=[],
        unexplained_duplicates=[],
        unconfirmed_sends=0,
        dead_letter_count=0,
        model_fault_count=0,
        sender="tg_bot",
        storm_seconds=0.0,
        skipped_fault_count=0,
        is_quiet=True,
    )
