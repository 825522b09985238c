"""The verifier of a storm finds every violation, and nothing else."""

from collections.abc import Sequence

import pytest

from tests.chaos.storm.message import FIRST_NUMBER, BotMessage, MessageKind
from tests.chaos.storm.message_record import MAX_REMINDER_DELAY_SECONDS, EffectCounts
from tests.chaos.storm.plan import StormPlan
from tests.chaos.storm.report import count_violations
from tests.chaos.storm.storm import StormResult
from tests.chaos.storm.tests.samples import (
    FAILURE_TEXT,
    START_TIME,
    get_indexes,
    make_answer_text,
    make_bot_messages,
    make_effects,
    make_user_messages,
)
from tests.chaos.storm.verifier import Verifier
from tests.chaos.storm.whole_suite import count_numbers
from tg_bot.src.texts.notices import NOTICES

NO_EFFECTS = EffectCounts()


def verify(
    kinds: Sequence[MessageKind], texts: Sequence[str], effects: EffectCounts = NO_EFFECTS
) -> Verifier:
    """Verify a chat in which a user sent messages of these kinds and received these texts."""
    return Verifier(make_user_messages(*kinds), make_bot_messages(*texts), effects)


def test_a_correct_conversation_has_no_violations() -> None:
    verifier = verify(
        ["sum", "task", "alarm"],
        [
            make_answer_text(0),
            make_answer_text(1, "✓"),
            make_answer_text(2, "✓"),
            f"⏰ item {FIRST_NUMBER + 2}",
        ],
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
    verifier = verify(["sum"] * 3, [make_answer_text(0), make_answer_text(2)])

    assert get_indexes(verifier.lost_messages) == [1]


def test_an_answer_in_another_chat_does_not_count() -> None:
    verifier = Verifier(
        make_user_messages("sum"), make_bot_messages(make_answer_text(0), chat_id=2), EffectCounts()
    )

    assert get_indexes(verifier.lost_messages) == [0]
    assert len(verifier.unattributed) == 1


def test_an_answer_after_a_later_one_is_out_of_order() -> None:
    verifier = verify(["sum"] * 3, [make_answer_text(0), make_answer_text(2), make_answer_text(1)])

    assert [message.number for message in verifier.out_of_order] == [FIRST_NUMBER + 1]


def test_a_duplicate_after_a_later_answer_is_out_of_order() -> None:
    verifier = verify(["sum"] * 2, [make_answer_text(0), make_answer_text(1), make_answer_text(0)])

    assert len(verifier.out_of_order) == 1


def test_an_answer_or_a_reminder_sent_twice_is_a_duplicate() -> None:
    alarm = f"⏰ item {FIRST_NUMBER + 1}"
    texts = (make_answer_text(0), make_answer_text(0), make_answer_text(1, "✓"), alarm, alarm)
    verifier = verify(["sum", "alarm"], texts, make_effects(1))

    originals = [messages[0].number for messages in verifier.duplicates]
    assert originals == [FIRST_NUMBER, FIRST_NUMBER + 1]
    assert not verifier.out_of_order


@pytest.mark.parametrize(
    "effects",
    [
        EffectCounts({FIRST_NUMBER: 2}, {FIRST_NUMBER: 1}),
        EffectCounts({FIRST_NUMBER: 1}, {FIRST_NUMBER: 2}),
    ],
    ids=["rows", "records"],
)
def test_a_record_created_twice_is_a_duplicate_effect(effects: EffectCounts) -> None:
    verifier = verify(["task"], [make_answer_text(0, "✓")], effects)

    assert get_indexes(verifier.duplicate_effects) == [0]


@pytest.mark.parametrize(
    ("receipt", "effects"),
    [("✓", EffectCounts()), ("", make_effects(0)), ("✓", EffectCounts({FIRST_NUMBER: 1}, {}))],
    ids=["receipt without effect", "effect without receipt", "row without effect record"],
)
def test_contradicting_receipts_and_effects_are_inconsistent(
    receipt: str, effects: EffectCounts
) -> None:
    verifier = verify(["task"], [make_answer_text(0, receipt)], effects)

    assert get_indexes(verifier.inconsistent_messages) == [0]


def test_a_duplicate_answer_without_the_receipt_is_inconsistent() -> None:
    verifier = verify(["task"], [make_answer_text(0, "✓"), make_answer_text(0)], make_effects(0))

    assert get_indexes(verifier.inconsistent_messages) == [0]


def test_a_failure_reply_must_confirm_an_effect() -> None:
    sent, failure = make_user_messages("task"), make_bot_messages(FAILURE_TEXT)
    failure_with_receipt = make_bot_messages(f"{FAILURE_TEXT} ✓ {FIRST_NUMBER}")

    assert get_indexes(Verifier(sent, failure, make_effects(0)).inconsistent_messages) == [0]
    assert not Verifier(sent, failure, EffectCounts()).inconsistent_messages
    verifier = Verifier(sent, failure_with_receipt, make_effects(0))
    assert not verifier.inconsistent_messages
    assert get_indexes(verifier.failed_messages) == [0]


def test_a_failure_reply_with_a_false_receipt_is_inconsistent() -> None:
    verifier = verify(["task"], [f"{FAILURE_TEXT} ✓"])

    assert get_indexes(verifier.inconsistent_messages) == [0]


@pytest.mark.parametrize(
    ("receipt", "effects"),
    [
        ("✓", EffectCounts()),
        ("", EffectCounts({FIRST_NUMBER: 1}, {})),
        ("", EffectCounts({}, {FIRST_NUMBER: 1})),
    ],
    ids=["receipt", "row", "effect record"],
)
def test_a_sum_with_a_receipt_or_an_effect_is_inconsistent(
    receipt: str, effects: EffectCounts
) -> None:
    verifier = verify(["sum"], [make_answer_text(0, receipt)], effects)

    assert get_indexes(verifier.inconsistent_messages) == [0]


def test_a_reminder_that_is_never_sent_is_missing() -> None:
    verifier = verify(["alarm"], [make_answer_text(0, "✓")], make_effects(0))

    assert get_indexes(verifier.missing_reminders) == [0]


def test_a_failure_reply_makes_a_message_failed_but_not_lost() -> None:
    texts = (make_answer_text(0), FAILURE_TEXT, make_answer_text(2), FAILURE_TEXT)
    verifier = verify(["sum"] * 5, texts)

    assert get_indexes(verifier.failed_messages) == [1, 3]
    assert get_indexes(verifier.lost_messages) == [4]


def test_a_failure_reply_before_an_answered_message_is_unattributed() -> None:
    verifier = verify(["sum"] * 2, [FAILURE_TEXT, make_answer_text(0)])

    assert get_indexes(verifier.lost_messages) == [1]
    assert len(verifier.unattributed) == 1


def test_equal_failure_replies_to_one_message_are_duplicates() -> None:
    verifier = verify(["sum"] * 2, [FAILURE_TEXT, FAILURE_TEXT, FAILURE_TEXT, make_answer_text(1)])

    assert get_indexes(verifier.failed_messages) == [0]
    assert [len(messages) for messages in verifier.duplicates] == [3]
    assert not verifier.unattributed


def test_a_different_failure_reply_is_not_a_duplicate() -> None:
    verifier = verify(["sum"], [FAILURE_TEXT, NOTICES["turn_failed"][0]])

    assert not verifier.duplicates
    assert len(verifier.unattributed) == 1


def test_reminders_do_not_affect_the_position_of_failure_replies() -> None:
    """Neither the reminder of the failed message itself nor that of an earlier message."""
    alarm = f"⏰ item {FIRST_NUMBER}"
    failed = verify(["alarm"], [alarm, FAILURE_TEXT], make_effects(0))
    earlier = verify(
        ["alarm", "sum"], [make_answer_text(0, "✓"), FAILURE_TEXT, alarm], make_effects(0)
    )

    assert get_indexes(failed.failed_messages) == [0]
    assert get_indexes(earlier.failed_messages) == [1]
    assert not failed.unattributed
    assert not earlier.unattributed


def verify_alarm(
    seconds: float, kind: MessageKind = "alarm", answered: int = 1, rows: int = 1
) -> Verifier:
    """Verify one message with a reminder after `seconds` and an answer after `answered` seconds."""
    texts = ((answered, make_answer_text(0, "✓")), (int(seconds), f"⏰ item {FIRST_NUMBER}"))
    received = [
        BotMessage(100 + position, 1, START_TIME + at, text)
        for position, (at, text) in enumerate(texts)
    ]
    return Verifier(
        make_user_messages(kind), received, EffectCounts({FIRST_NUMBER: rows}, {FIRST_NUMBER: 1})
    )


@pytest.mark.parametrize("seconds", [-1, 0, 8, 1 + MAX_REMINDER_DELAY_SECONDS + 10, 3600])
def test_an_early_or_very_late_reminder_is_mistimed(seconds: float) -> None:
    assert get_indexes(verify_alarm(seconds).mistimed_reminders) == [0]


@pytest.mark.parametrize("seconds", [9, 10, 11, 120, MAX_REMINDER_DELAY_SECONDS + 10])
def test_a_reminder_within_the_tolerance_is_not_mistimed(seconds: float) -> None:
    """Times are whole seconds, and the tolerance counts from the answer if that came late."""
    assert not verify_alarm(seconds).mistimed_reminders
    assert not verify_alarm(seconds + 500, answered=510).mistimed_reminders


@pytest.mark.parametrize("kind", ["sum", "task", "reminder"])
def test_a_reminder_for_another_kind_of_message_is_mistimed(kind: MessageKind) -> None:
    assert get_indexes(verify_alarm(20, kind).mistimed_reminders) == [0]


def test_a_reminder_without_a_row_is_mistimed() -> None:
    assert get_indexes(verify_alarm(20, rows=0).mistimed_reminders) == [0]


def test_a_reminder_with_an_unknown_number_or_none_is_unattributed() -> None:
    texts = (make_answer_text(0), f"⏰ item {FIRST_NUMBER + 7}", "⏰ item")
    verifier = verify(["sum"], texts)

    assert len(verifier.unattributed) == 2


@pytest.mark.parametrize(
    "effects", [EffectCounts({FIRST_NUMBER + 7: 1}, {}), EffectCounts({}, {0: 1})]
)
def test_an_effect_with_an_unknown_number_or_none_is_unrequested(effects: EffectCounts) -> None:
    verifier = verify(["sum"], [make_answer_text(0)], effects)

    assert len(verifier.unrequested_numbers) == 1


def test_texts_without_a_number_are_counted_as_zero() -> None:
    assert count_numbers([f"item {FIRST_NUMBER}", "an item", ""]) == {FIRST_NUMBER: 1, 0: 2}


def test_unrequested_effects_and_mistimed_reminders_are_violations() -> None:
    sent = make_user_messages("alarm")
    received = make_bot_messages(make_answer_text(0, "✓"), f"⏰ item {FIRST_NUMBER}")
    correct = count_violations(make_result(Verifier(sent, received, make_effects(0))))
    unrequested = make_result(Verifier(sent, received[::-1], make_effects(0, 1)))
    too_early = make_result(verify_alarm(0))

    assert not any(correct.values())
    assert count_violations(unrequested) == correct | {"unrequested effects": 1}
    assert count_violations(too_early) == correct | {"reminders at the wrong time": 1}


def make_result(verifier: Verifier) -> StormResult:
    """Make the result of a storm without other violations."""
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
