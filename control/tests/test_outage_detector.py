"""When and how a missing reply is explained."""

from control.outage_detector import CHECK_INTERVAL_SECONDS, FIRST_CHECK_SECONDS, OutageDetector


class FakeClock:
    """A clock that tests advance."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class TestReplyWatchdog:
    def collect_failures(self, *found: dict[str, str] | None) -> list[str]:
        """Return the failure after each check with these missing services; None is activity."""
        clock, remaining = FakeClock(), [*found]
        detector = OutageDetector(lambda: remaining.pop(0) or {}, clock)
        output = []
        while remaining:
            clock.now += max(FIRST_CHECK_SECONDS, CHECK_INTERVAL_SECONDS)
            if remaining[0] is None:
                remaining.pop(0)
                detector.reset()
            else:
                output.append(detector.get_outage())
        return output

    def test_two_failed_checks_name_the_service_with_advice(self) -> None:
        missing = {"tg_bot": "is not running"}
        first, second = self.collect_failures(missing, missing)
        assert first == ""
        assert second.startswith("tg_bot is not running; see ./manage.py status")

    def test_slow_services_are_awaited(self) -> None:
        assert self.collect_failures({}, {}, {}, {}) == [""] * 4

    def test_restarting_services_are_awaited(self) -> None:
        assert (
            self.collect_failures({"tg_bot": "is not running"}, {}, {"assistant": "dies"})
            == [""] * 3
        )

    def test_activity_resets_the_outage_detector(self) -> None:
        missing = {"assistant": "is not running"}
        assert self.collect_failures(missing, None, missing) == ["", ""]

    def test_services_are_not_checked_before_the_first_interval(self) -> None:
        clock, checks = FakeClock(), list[str]()
        detector = OutageDetector(lambda: checks.append("x") or {}, clock)
        clock.now = FIRST_CHECK_SECONDS - 0.1
        assert detector.get_outage() == ""
        assert checks == []


def test_short_timeout_still_names_the_missing_services() -> None:
    assert (
        "tg_bot is not running; see"
        in OutageDetector(lambda: {"tg_bot": "is not running"}).get_outage_now()
    )
    assert OutageDetector(dict).get_outage_now() == ""
