"""When the circuit of a model opens, and when it is probed."""

from assistant.src.services.models.circuit_breaker import (
    BREAKER_OPENED,
    BREAKER_STATE,
    CircuitBreaker,
)


def make_open_breaker(name: str = "a-model") -> CircuitBreaker:
    """Return a breaker with five failures at 100 s: open until 110."""
    breaker = CircuitBreaker("a-provider", name, "chat")
    for _ in range(5):
        assert breaker.acquire(100) == "request"
        breaker.record_failure("request", 100)
    return breaker


def test_five_consecutive_failures_open_the_circuit() -> None:
    breaker = CircuitBreaker("a-provider", "a-model", "chat")
    for _ in range(4):
        breaker.record_failure("request", 100)
    assert breaker.acquire(100) == "request"
    breaker.record_success()
    for _ in range(4):
        breaker.record_failure("request", 100)
    assert breaker.seconds_until_retry(100) == 0

    breaker.record_failure("request", 100)
    assert breaker.seconds_until_retry(100) == 10
    assert breaker.acquire(109.9) is None


def test_one_probe_at_a_time_is_allowed_after_the_pause() -> None:
    breaker = make_open_breaker()

    assert breaker.acquire(110) == "probe"
    assert breaker.acquire(110) is None
    breaker.release("probe")
    assert breaker.acquire(110) == "probe"
    breaker.record_success()
    assert breaker.acquire(110) == "request"


def test_failed_probe_doubles_the_pause_up_to_a_minute() -> None:
    breaker, now, pauses = make_open_breaker(), 110.0, []
    for _ in range(4):
        assert breaker.acquire(now) == "probe"
        breaker.record_failure("probe", now)
        pauses.append(breaker.seconds_until_retry(now))
        now += pauses[-1]

    assert pauses == [20, 40, 60, 60]


def test_earlier_requests_neither_prolong_the_pause_nor_end_a_probe() -> None:
    breaker = make_open_breaker()
    breaker.record_failure("request", 105)
    assert breaker.seconds_until_retry(105) == 5

    assert breaker.acquire(110) == "probe"
    breaker.record_failure("request", 111)
    breaker.release("request")
    assert breaker.acquire(111) is None


def test_known_pause_opens_the_circuit_at_once() -> None:
    breaker = CircuitBreaker("a-provider", "a-model", "chat")
    breaker.record_failure("request", 100, 600)

    assert breaker.seconds_until_retry(100) == 600


def test_metrics_show_the_state_of_the_circuit() -> None:
    breaker = make_open_breaker("told")
    state = BREAKER_STATE.labels("a-provider", "told", "chat")
    states = [state._value.get()]
    breaker.acquire(110)
    states.append(state._value.get())
    breaker.record_success()
    states.append(state._value.get())

    assert states == [2, 1, 0]
    assert BREAKER_OPENED.labels("a-provider", "told", "chat")._value.get() == 1
