"""An outage is told, not repeated twice a second."""

import pytest
import structlog

from smart_kit.repetition import SECONDS, Repetition

OUTAGE = {"event": "redis is away", "level": "warning", "reason": "refused"}


class RepetitionHarness:
    """What is let through, by a clock that stands still."""

    def __init__(self) -> None:
        self.now = 0.0
        self._repetition = Repetition(lambda: self.now)

    def tell(self, **event: object) -> dict[str, object] | None:
        try:
            return dict(self._repetition.event(None, "", event))
        except structlog.DropEvent:
            return None


def test_the_same_warning_is_told_now_and_then_with_how_often_it_was_left_out() -> None:
    told = RepetitionHarness()
    assert told.tell(**OUTAGE) == OUTAGE
    assert [told.tell(**OUTAGE) for _ in range(3)] == [None] * 3
    told.now = SECONDS
    assert told.tell(**OUTAGE) == OUTAGE | {"left_out": 3}
    told.now = 2 * SECONDS
    assert told.tell(**OUTAGE) == OUTAGE


@pytest.mark.parametrize(
    "other",
    [
        {"reason": "time-out"},
        {"queue": "queue:to_telegram"},
        {"caller": "admin"},
        {"event": "configuration cannot be read"},
        {"level": "error"},
        {"correlation_id": "tg:1:2"},
    ],
)
def test_what_says_something_else_or_belongs_to_a_message_is_always_told(
    other: dict[str, str],
) -> None:
    told = RepetitionHarness()
    told.tell(**OUTAGE)
    assert told.tell(**OUTAGE | other) == OUTAGE | other


def test_a_line_of_a_message_is_told_as_often_as_it_is_said() -> None:
    told = RepetitionHarness()
    line = OUTAGE | {"correlation_id": "tg:1:2"}
    assert [told.tell(**line) for _ in range(3)] == [line] * 3


def test_moments_and_counts_do_not_make_another_line() -> None:
    told = RepetitionHarness()
    told.tell(**OUTAGE, timestamp="12:00:00", updates=1)
    assert told.tell(**OUTAGE, timestamp="12:00:01", updates=2) is None


def test_it_remembers_only_so_many() -> None:
    told = RepetitionHarness()
    for number in range(5000):
        told.tell(**OUTAGE | {"reason": str(number)})
    assert len(told._repetition._said) <= 1000
