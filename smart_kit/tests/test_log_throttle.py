"""An outage is logged, but not twice a second."""

import pytest
import structlog

from smart_kit.log_throttle import INTERVAL_SECONDS, LogThrottle

OUTAGE = {"event": "redis unavailable", "level": "warning", "reason": "refused"}


class LogThrottleHarness:
    """A throttle with a fake clock that records the lines it lets through."""

    def __init__(self) -> None:
        self.now = 0.0
        self.throttle = LogThrottle(lambda: self.now)

    def log(self, **event: object) -> dict[str, object] | None:
        try:
            return dict(self.throttle.process(None, "", event))
        except structlog.DropEvent:
            return None


def test_repeated_warning_is_logged_periodically_with_suppressed_count() -> None:
    throttle = LogThrottleHarness()
    assert throttle.log(**OUTAGE) == OUTAGE
    assert [throttle.log(**OUTAGE) for _ in range(3)] == [None] * 3
    throttle.now = INTERVAL_SECONDS
    assert throttle.log(**OUTAGE) == OUTAGE | {"suppressed_count": 3}
    throttle.now = 2 * INTERVAL_SECONDS
    assert throttle.log(**OUTAGE) == OUTAGE


@pytest.mark.parametrize(
    "other",
    [
        {"reason": "time-out"},
        {"queue": "queue:to_telegram"},
        {"caller": "admin"},
        {"event": "configuration unavailable"},
        {"level": "error"},
        {"correlation_id": "tg:1:2"},
    ],
)
def test_different_warning_or_line_of_a_message_is_always_logged(
    other: dict[str, str],
) -> None:
    throttle = LogThrottleHarness()
    throttle.log(**OUTAGE)
    assert throttle.log(**OUTAGE | other) == OUTAGE | other


def test_line_of_a_message_is_never_suppressed() -> None:
    throttle = LogThrottleHarness()
    line = OUTAGE | {"correlation_id": "tg:1:2"}
    assert [throttle.log(**line) for _ in range(3)] == [line] * 3


def test_timestamps_and_counts_do_not_make_another_line() -> None:
    throttle = LogThrottleHarness()
    throttle.log(**OUTAGE, timestamp="12:00:00", updates=1)
    assert throttle.log(**OUTAGE, timestamp="12:00:01", updates=2) is None


def test_number_of_remembered_lines_is_limited() -> None:
    throttle = LogThrottleHarness()
    for number in range(5000):
        throttle.log(**OUTAGE | {"reason": str(number)})
    assert len(throttle.throttle._seen) <= 1000
