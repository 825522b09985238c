"""A faster mutmut, run by an interpreter that has it.

mutmut runs all tests twice more, to check that they pass and that they can fail. Both are known
when it records which tests run which function; it stops if none do. Its fork server, unlike its
other runner, does not begin with the quickest tests.

In return, all tests run once more after the mutants: a mutant that damaged the servers would
invalidate the results after it.
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
        super().submit(mutant_name, sorted(tests, key=_get_test_duration), *limits)

    def shutdown(self) -> None:
        super().shutdown()
        if self.has_tested and super().run_clean_tests([]) != 0:
            for results in Path("mutants").rglob("*.py.meta"):
                results.unlink()
            sys.exit("after the mutants the tests fail without any: so none of them counts")


def _get_test_duration(test: str) -> float:
    duration: float = state().duration_by_test[test]
    return duration


if __name__ == "__main__":
    isolation.ForkServerRunner = _Runner  # mutmut reads this when it creates one
    mutmut.cli()
