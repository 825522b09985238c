"""A promise about what is heard is broken by each way of not keeping it, and by nothing else."""

import pytest

from tests.chaos.killable.delivery_assertions import assert_deliveries

A, B, ALARM = ("= 1",), ("= 2",), ("cat", "⏰")
BELL_ANSWER = "⏰ cat"


@pytest.mark.parametrize(
    ("heard", "spare"),
    [
        (["= 1", "= 2"], 0),
        (["= 1", "= 1", "= 2"], 1),
        (["= 1", "= 2", "= 2"], 1),
        (["= 1", "= 1", "= 2", "= 2"], 2),
    ],
)
def test_a_copy_may_come_before_anything_else_is_answered(heard: list[str], spare: int) -> None:
    assert_deliveries(heard, [A, B], [], spare)


@pytest.mark.parametrize(
    "heard",
    [
        ["= 2", "= 1", "= 2"],
        ["= 1", "= 2", "= 1"],
        ["= 1", "= 2", "= 1", "= 2"],
        ["= 2", "= 1"],
    ],
)
def test_an_answer_or_its_copy_out_of_its_turn_is_caught(heard: list[str]) -> None:
    with pytest.raises(AssertionError, match="not in its turn"):
        assert_deliveries(heard, [A, B], [], 2)


def test_a_copy_without_a_death_is_caught() -> None:
    with pytest.raises(AssertionError, match="1 messages too many"):
        assert_deliveries(["= 1", "= 1", "= 2"], [A, B], [], 0)


@pytest.mark.parametrize("heard", [["= 1"], ["= 1", "= 1"], [BELL_ANSWER, "= 1"]])
def test_an_answer_that_never_came_is_caught(heard: list[str]) -> None:
    with pytest.raises(AssertionError, match="never came"):
        assert_deliveries(heard, [A, B], [ALARM], 1)


def test_one_answer_for_two_that_are_alike_is_caught() -> None:
    with pytest.raises(AssertionError, match="messages too many"):
        assert_deliveries(["= 1"], [A, A], [], 1)
    assert_deliveries(["= 1", "= 1"], [A, A], [], 0)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_alarm_comes_whenever_it_comes(place: int) -> None:
    heard = ["= 1", "= 2"]
    heard.insert(place, BELL_ANSWER)

    assert_deliveries(heard, [A, B], [ALARM], 0)


def test_an_alarm_that_never_came_is_caught() -> None:
    with pytest.raises(AssertionError, match="never came"):
        assert_deliveries(["= 1"], [A], [ALARM], 0)


def test_what_nobody_asked_for_is_caught() -> None:
    with pytest.raises(AssertionError, match="hello"):
        assert_deliveries(["= 1", "hello"], [A], [], 1)


def test_words_that_two_answers_share_stand_for_either() -> None:
    task, done = ("✓ Task",), ("✓ Task done",)

    assert_deliveries(["✓ Task", "✓ Task done"], [task, done], [], 0)
    assert_deliveries(["✓ Task", "✓ Task done", "✓ Task done"], [task, done], [], 1)
