"""When a model is left alone, and when it is tried again."""

from assistant.src.services.models.breaker import OPENED, STATE, Breaker


def broken(name: str = "a-model") -> Breaker:
    """Five failures at 100 s: open until 110."""
    breaker = Breaker("a-provider", name, "chat")
    for _ in range(5):
        assert breaker.begin(100) == "request"
        breaker.failed("request", 100)
    return breaker


def test_five_failures_in_a_row_open_it_and_four_do_not() -> None:
    breaker = Breaker("a-provider", "a-model", "chat")
    for _ in range(4):
        breaker.failed("request", 100)
    assert breaker.begin(100) == "request"
    breaker.answered()
    for _ in range(4):
        breaker.failed("request", 100)
    assert breaker.seconds_left(100) == 0

    breaker.failed("request", 100)
    assert breaker.seconds_left(100) == 10
    assert breaker.begin(109.9) is None


def test_one_probe_at_a_time_goes_out_after_the_pause() -> None:
    breaker = broken()

    assert breaker.begin(110) == "probe"
    assert breaker.begin(110) is None
    breaker.abandoned("probe")
    assert breaker.begin(110) == "probe"
    breaker.answered()
    assert breaker.begin(110) == "request"


def test_a_probe_that_fails_doubles_the_pause_up_to_a_minute() -> None:
    breaker, now, pauses = broken(), 110.0, []
    for _ in range(4):
        assert breaker.begin(now) == "probe"
        breaker.failed("probe", now)
        pauses.append(breaker.seconds_left(now))
        now += pauses[-1]

    assert pauses == [20, 40, 60, 60]


def test_what_was_on_its_way_neither_prolongs_the_pause_nor_ends_a_probe() -> None:
    breaker = broken()
    breaker.failed("request", 105)
    assert breaker.seconds_left(105) == 5

    assert breaker.begin(110) == "probe"
    breaker.failed("request", 111)
    breaker.abandoned("request")
    assert breaker.begin(111) is None


def test_a_known_time_opens_it_at_once() -> None:
    breaker = Breaker("a-provider", "a-model", "chat")
    breaker.failed("request", 100, 600)

    assert breaker.seconds_left(100) == 600


def test_the_metrics_tell_its_state() -> None:
    breaker = broken("told")
    state = STATE.labels("a-provider", "told", "chat")
    states = [state._value.get()]
    breaker.begin(110)
    states.append(state._value.get())
    breaker.answered()
    states.append(state._value.get())

    assert states == [2, 1, 0]
    assert OPENED.labels("a-provider", "told", "chat")._value.get() == 1
