"""How failures and recoveries are logged."""

from types import SimpleNamespace

import pytest
import structlog

from cron_service.app import attempts as attempts_module
from cron_service.app.attempts import Attempts
from smart_kit.backoff import Backoff
from smart_kit.errors import UpstreamUnavailable

UNAVAILABLE = UpstreamUnavailable("rest_service: connection refused\nmore")


class Clock:
    """The monotonic clock."""

    now = 1000.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(attempts_module, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


@pytest.fixture
def attempts() -> Attempts:
    return Attempts("claim", Backoff(1, 8))


def test_first_failure_and_recovery_are_logged(attempts: Attempts) -> None:
    with structlog.testing.capture_logs() as lines:
        for _ in range(2):
            for _ in range(5):
                attempts.record_failure(UNAVAILABLE)
            attempts.record_success()
            attempts.record_success()

    assert [line["event"] for line in lines] == ["claim failed", "claim recovered"] * 2
    assert {line["log_level"] for line in lines} == {"info"}, "rest_service may only be starting"
    assert lines[0]["reason"] == "rest_service: connection refused"
    assert lines[1]["failures"] == 5


def test_failures_that_last_are_warned_about_once_each_time(
    attempts: Attempts, clock: Clock
) -> None:
    with structlog.testing.capture_logs() as lines:
        for _ in range(2):
            for _ in range(100):
                attempts.record_failure(UNAVAILABLE)
                clock.now += 1
            attempts.record_success()

    events = ["claim failed", "claim still failing", "claim recovered"]
    assert [line["event"] for line in lines] == events * 2
    assert lines[1]["log_level"] == "warning"


def test_delay_grows_with_failures_until_a_success(attempts: Attempts) -> None:
    delays = [attempts.record_failure(UNAVAILABLE) for _ in range(6)]
    attempts.record_success()
    first_again = attempts.record_failure(UNAVAILABLE)

    for delay, longest in zip([*delays, first_again], (1, 2, 4, 8, 8, 8, 1), strict=True):
        assert 0.75 * longest <= delay <= longest


def test_last_error_and_time_of_success_are_kept(attempts: Attempts, clock: Clock) -> None:
    assert (attempts.last_error, attempts.succeeded_at) == ("starting", None)
    attempts.record_failure(UNAVAILABLE)
    assert attempts.last_error == "rest_service: connection refused"
    clock.now = 2000.0
    attempts.record_success()
    assert (attempts.last_error, attempts.succeeded_at) == (None, 2000.0)
