"""What scenarios use: the systems, measurements of them, and the place for figures."""

import itertools
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from tests.load.fakes.answer_log import LoadResult
from tests.load.fakes.load_plan import LoadPlan
from tests.load.figures import SUITE, ScenarioFigures, percentile
from tests.load.process_usage import subtract
from tests.load.systems import BareBot, Fakes, SuiteSystem, System, running

T = TypeVar("T")

_FIRST_PERSON = 1_000
_FAULTS = ("lost", "duplicated", "out_of_order", "misdirected")


@dataclass(frozen=True)
class Measurement:
    """What a load cost. The clock stops once the system has nothing left to do for it."""

    result: LoadResult
    cpu: dict[str, float]
    """CPU seconds by kind of process."""
    fakes_cpu: float
    seconds: float

    @property
    def answers(self) -> int:
        return len(self.result.samples)


class Bench:
    """The running systems of a session. Scenarios record their figures in `figures`."""

    def __init__(
        self,
        folder: Path,
        bare_command: tuple[str | Path, ...],
        *,
        runs: int = 3,
        is_quick: bool = False,
        minutes: int = 10,
    ) -> None:
        self.runs = 1 if is_quick else runs
        self.is_quick = is_quick
        self.minutes = minutes
        self.figures = ScenarioFigures("", "")
        self._folder = folder
        self._bare_command = bare_command
        self._tokens = (f"{number}:load-test-token" for number in itertools.count(10_001))
        self._next_person = _FIRST_PERSON
        self._known_people: dict[str, range] = {}
        self._exit_stack = ExitStack()

    def __enter__(self) -> "Bench":
        self.fakes = Fakes()
        self._exit_stack.callback(self.fakes.close)
        self.suite = self.make_suite()
        self._exit_stack.enter_context(running(self.suite))
        self.bare = self.make_bare_bot()
        self._exit_stack.enter_context(running(self.bare))
        self.measure(self.bare, self.plan(self.bare, people=1))
        return self

    def __exit__(self, *_: object) -> None:
        self._exit_stack.close()

    def make_suite(self) -> SuiteSystem:
        """Return another suite, which does not run yet."""
        token = next(self._tokens)
        return SuiteSystem(self.fakes, self._folder / token.partition(":")[0], token)

    def make_bare_bot(self, *command: str | Path) -> BareBot:
        """Return another bare bot, which does not run yet."""
        return BareBot(self.fakes, command or self._bare_command, next(self._tokens))

    @contextmanager
    def other_suite(self) -> Iterator[SuiteSystem]:
        """Run a suite that has processed nothing; a quick bench uses the one that runs."""
        if self.is_quick:
            yield self.suite
            return
        suite = self.make_suite()
        with running(suite):
            yield suite

    def size(self, full: T, quick: T) -> T:
        """Return one of two sizes."""
        return quick if self.is_quick else full

    def interleave(self) -> Iterator[System]:
        """Yield suite and bare bot in turn, as often as there are runs."""
        for _ in range(self.runs):
            yield self.suite
            yield self.bare

    def plan(self, system: System, people: int, messages: int = 1, **rest: Any) -> LoadPlan:
        """Return a load of people who have never written."""
        plan = LoadPlan(system.token, people, messages, self._next_person)
        self._next_person += people
        return replace(plan, **rest)

    def plan_known(self, system: System, people: int, messages: int = 1, **rest: Any) -> LoadPlan:
        """Return a load of people who have written before."""
        known = self._known_people.get(system.token, range(0))
        if len(known) < people:
            warm_up = self.plan(system, people, 2)
            self.run_load(system, warm_up)
            known = range(warm_up.first_person, warm_up.first_person + people)
            self._known_people[system.token] = known
        return replace(LoadPlan(system.token, people, messages, known.start), **rest)

    def run_load(self, system: System, plan: LoadPlan) -> LoadResult:
        """Run a load that is not measured."""
        result = self.fakes.run_load(plan)
        system.wait_until_drained()
        return self.fakes.finish_load(plan.token, result)

    def measure(self, system: System, plan: LoadPlan) -> Measurement:
        groups, fakes = system.groups, self.fakes.groups
        fakes_before, before, begin = fakes.measure_cpu(), groups.measure_cpu(), time.monotonic()
        result = self.run_load(system, plan)
        seconds, after = time.monotonic() - begin, groups.measure_cpu()
        fakes_cpu = sum(subtract(fakes.measure_cpu(), fakes_before).values())
        return Measurement(result, subtract(after, before), fakes_cpu, seconds)

    def record(
        self, system: str, name: str, unit: str, value: float, *, is_part: bool = False
    ) -> None:
        self.figures.record(system, name, unit, value, is_part=is_part)

    def record_cpu(
        self, system: System, measured: Measurement, name: str = "CPU", *, has_parts: bool = True
    ) -> None:
        """Record the CPU time per answer: of everything, and of each kind of process."""
        answers, unit = max(measured.answers, 1), "ms/message"
        self.record(system.name, name, unit, 1000 * sum(measured.cpu.values()) / answers)
        if has_parts and system.name == SUITE:
            for kind, seconds in sorted(measured.cpu.items(), key=lambda item: -item[1]):
                self.record(system.name, f"{kind}", unit, 1000 * seconds / answers, is_part=True)
        if has_parts:
            fakes = 1000 * measured.fakes_cpu / answers
            self.record(system.name, "CPU of the fakes, not included", unit, fakes)
        self.record_faults(system, measured.result)

    def record_added_time(
        self, system: System, result: LoadResult, unavoidable_seconds: float, suffix: str = ""
    ) -> None:
        """Record the response time without that of the model."""
        added = [1000 * (took - unavoidable_seconds) for took in result.response_times]
        for percent in (50, 99):
            self.record(system.name, f"added p{percent}{suffix}", "ms", percentile(added, percent))
        self.record_faults(system, result)

    def record_faults(self, system: System, result: LoadResult) -> None:
        """Count what must not happen."""
        counts = self.figures.faults.setdefault(system.name, Counter())
        for name in _FAULTS:
            counts[name.replace("_", " ")] += getattr(result, name)
