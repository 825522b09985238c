"""What is said where no answer comes, and when."""

from control.silence import FIRST_LOOK, NEXT_LOOK, Silence


class Clock:
    """Seconds that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class TestSilence:
    def reasons(self, *found: dict[str, str] | None) -> list[str]:
        """What is said when these are found missing, look by look; None: a sign of life."""
        clock, left = Clock(), [*found]
        silence = Silence(lambda: left.pop(0) or {}, clock)
        said = []
        while left:
            clock.now += max(FIRST_LOOK, NEXT_LOOK)
            if left[0] is None:
                left.pop(0)
                silence.broken()
            else:
                said.append(silence.reason())
        return said

    def test_who_is_missing_at_two_looks_is_named_with_what_to_do(self) -> None:
        gone = {"tg_bot": "is not running"}
        first, second = self.reasons(gone, gone)
        assert first == ""
        assert second.startswith("tg_bot is not running; see ./manage.py status")

    def test_who_is_slow_is_waited_for(self) -> None:
        assert self.reasons({}, {}, {}, {}) == [""] * 4

    def test_who_is_just_being_started_again_is_waited_for(self) -> None:
        assert self.reasons({"tg_bot": "is not running"}, {}, {"assistant": "dies"}) == [""] * 3

    def test_a_sign_of_life_lets_it_begin_anew(self) -> None:
        gone = {"assistant": "is not running"}
        assert self.reasons(gone, None, gone) == ["", ""]

    def test_nobody_is_asked_before_the_first_look(self) -> None:
        clock, asked = Clock(), list[str]()
        silence = Silence(lambda: asked.append("x") or {}, clock)
        clock.now = FIRST_LOOK - 0.1
        assert silence.reason() == ""
        assert asked == []


def test_whose_patience_ends_early_is_told_who_is_missing_too() -> None:
    assert "tg_bot is not running; see" in Silence(lambda: {"tg_bot": "is not running"}).end()
    assert Silence(dict).end() == ""
