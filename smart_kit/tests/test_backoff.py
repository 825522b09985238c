from smart_kit.backoff import Backoff


def test_each_failure_doubles_the_delay_up_to_the_maximum() -> None:
    backoff = Backoff(1.0, max_seconds=5.0)

    for expected in (1.0, 2.0, 4.0, 5.0, 5.0):
        assert 0.75 * expected <= backoff.next_delay() <= expected
    assert backoff.failures == 5


def test_success_resets_the_delay() -> None:
    backoff = Backoff(1.0)
    backoff.next_delay()

    backoff.reset()

    assert backoff.failures == 0
    assert backoff.next_delay() <= 1.0


def test_many_failures_keep_the_maximum() -> None:
    backoff = Backoff()
    backoff.failures = 10_000

    assert backoff.next_delay() <= 30.0
