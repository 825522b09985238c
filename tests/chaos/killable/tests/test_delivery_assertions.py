"""assert_deliveries detects lost, duplicated, unexpected and reordered messages."""

import pytest

from tests.chaos.killable.delivery_assertions import assert_deliveries

A, B, ALARM = ("= 1",), ("= 2",), ("cat", "⏰")
ALARM_TEXT = "⏰ cat"


@pytest.mark.parametrize(
    ("received", "allowed_duplicates"),
    [
        (["= 1", "= 2"], 0),
        (["= 1", "= 1", "= 2"], 1),
        (["= 1", "= 2", "= 2"], 1),
        (["= 1", "= 1", "= 2", "= 2"], 2),
    ],
)
def test_an_allowed_duplicate_may_follow_its_original(
    received: list[str], allowed_duplicates: int
) -> None:
    assert_deliveries(received, [A, B], [], allowed_duplicates)


@pytest.mark.parametrize(
    "received",
    [
        ["= 2", "= 1", "= 2"],
        ["= 1", "= 2", "= 1"],
        ["= 1", "= 2", "= 1", "= 2"],
        ["= 2", "= 1"],
    ],
)
def test_an_answer_or_duplicate_out_of_order_is_detected(received: list[str]) -> None:
    with pytest.raises(AssertionError, match="out of order"):
        assert_deliveries(received, [A, B], [], 2)


def test_a_duplicate_that_is_not_allowed_is_detected() -> None:
    with pytest.raises(AssertionError, match="1 messages too many"):
        assert_deliveries(["= 1", "= 1", "= 2"], [A, B], [], 0)


@pytest.mark.parametrize("received", [["= 1"], ["= 1", "= 1"], [ALARM_TEXT, "= 1"]])
def test_a_missing_answer_is_detected(received: list[str]) -> None:
    with pytest.raises(AssertionError, match="never came"):
        assert_deliveries(received, [A, B], [ALARM], 1)


def test_one_message_does_not_count_as_two_equal_answers() -> None:
    with pytest.raises(AssertionError, match="messages too many"):
        assert_deliveries(["= 1"], [A, A], [], 1)
    assert_deliveries(["= 1", "= 1"], [A, A], [], 0)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_alarm_may_arrive_at_any_position(place: int) -> None:
    received = ["= 1", "= 2"]
    received.insert(place, ALARM_TEXT)

    assert_deliveries(received, [A, B], [ALARM], 0)


def test_a_missing_alarm_is_detected() -> None:
    with pytest.raises(AssertionError, match="never came"):
        assert_deliveries(["= 1"], [A], [ALARM], 0)


def test_an_unexpected_message_is_detected() -> None:
    with pytest.raises(AssertionError, match="hello"):
        assert_deliveries(["= 1", "hello"], [A], [], 1)


def test_a_message_that_matches_two_answers_counts_for_either() -> None:
    task, done = ("✓ Task",), ("✓ Task done",)

    assert_deliveries(["✓ Task", "✓ Task done"], [task, done], [], 0)
    assert_deliveries(["✓ Task", "✓ Task done", "✓ Task done"], [task, done], [], 1)
