"""mutmut as a program, with less to do: run by an interpreter that has it.

mutmut runs all tests twice more, to see that they pass and that they can fail. They have just
passed, when it noted which of them run which function; it stops where none runs any. And its fork
server, unlike its other way to run tests, does not begin with the quickest ones.
"""

from typing import Any

from mutmut import __main__ as mutmut
from mutmut.state import state
from mutmut.workers import isolation


class _Runner(isolation.ForkServerRunner):  # type: ignore[misc] # mypy does not see mutmut
    def run_clean_tests(self, tests: object) -> int:  # noqa: ARG002 - it is the base's
        return 0

    def run_forced_fail(self) -> int:
        return 1

    def submit(self, mutant_name: str, tests: list[str], *limits: Any) -> None:
        super().submit(mutant_name, sorted(tests, key=_seconds), *limits)


def _seconds(test: str) -> float:
    duration: float = state().duration_by_test[test]
    return duration


if __name__ == "__main__":
    isolation.ForkServerRunner = _Runner  # which mutmut looks up when it makes one
    mutmut.cli()
