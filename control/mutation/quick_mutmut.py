"""mutmut as a program, with less to do: run by an interpreter that has it.

mutmut runs all tests twice more, to see that they pass and that they can fail. They have just
passed, when it noted which of them run which function; it stops where none runs any. And its fork
server, unlike its other way to run tests, does not begin with the quickest ones.

What it does once more is to run all tests when the mutants are done. A mutant that has spoiled the
servers for those after it would be a proof of nothing.
"""

import sys
from pathlib import Path
from typing import Any

from mutmut import __main__ as mutmut
from mutmut.state import state
from mutmut.workers import isolation


class _Runner(isolation.ForkServerRunner):  # type: ignore[misc] # mypy does not see mutmut
    has_tested = False

    def run_clean_tests(self, tests: object) -> int:  # noqa: ARG002 - it is the base's
        return 0

    def run_forced_fail(self) -> int:
        return 1

    def submit(self, mutant_name: str, tests: list[str], *limits: Any) -> None:
        self.has_tested = True
        super().submit(mutant_name, sorted(tests, key=_seconds), *limits)

    def shutdown(self) -> None:
        super().shutdown()
        if self.has_tested and super().run_clean_tests([]) != 0:
            for results in Path("mutants").rglob("*.py.meta"):
                results.unlink()
            sys.exit("after the mutants the tests fail without any: so none of them counts")


def _seconds(test: str) -> float:
    duration: float = state().duration_by_test[test]
    return duration


if __name__ == "__main__":
    isolation.ForkServerRunner = _Runner  # which mutmut looks up when it makes one
    mutmut.cli()
