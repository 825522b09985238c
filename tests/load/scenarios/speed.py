"""Scenarios that measure throughput and added latency."""

from tests.load.bench import Bench
from tests.load.figures import SUITE
from tests.load.systems import System

_MODEL_SECONDS = 1.0
_ROUNDS = {1: 8, 50: 3, 200: 2, 1000: 1}
"""Messages of each person, by the number of people at once."""


def measure_throughput(bench: Bench) -> None:
    """Messages/s of 200 people, two messages of each in progress, and a model that takes 0 s."""
    for system in bench.interleave():
        _measure_throughput(bench, system, messages=bench.size(6, 4))


def measure_latency(bench: Bench) -> None:
    """Time in addition to that of a model that takes 1 s, for people who all write at once."""
    for people, rounds in bench.size(_ROUNDS, {1: 3, 50: 2}).items():
        for system in bench.interleave():
            plan = bench.plan_known(system, people, rounds, model_seconds=_MODEL_SECONDS)
            result = bench.run_load(system, plan)
            bench.record_added_time(system, result, _MODEL_SECONDS, f", {_format_people(people)}")


def measure_replicas(bench: Bench) -> None:
    """Throughput and added latency (200 people, 1 s) with one, two and four assistants."""
    people = bench.size(200, 50)
    with bench.other_suite() as suite:
        for _ in range(bench.runs):
            for count in bench.size((1, 2, 4), (1, 2)):
                suite.scale_assistant(count)
                suffix = f", {count} replicas" if count > 1 else ", 1 replica"
                _measure_throughput(bench, suite, messages=bench.size(4, 2), suffix=suffix)
                plan = bench.plan_known(suite, people, model_seconds=_MODEL_SECONDS)
                result = bench.run_load(suite, plan)
                bench.record_added_time(suite, result, _MODEL_SECONDS, suffix)
        suite.scale_assistant(1)


def _measure_throughput(bench: Bench, system: System, messages: int, suffix: str = "") -> None:
    plan = bench.plan_known(system, bench.size(200, 50), messages, window=2)
    measured = bench.measure(system, plan)
    bench.record(system.name, f"messages{suffix}", "1/s", measured.answers / measured.seconds)
    if system.name == SUITE and not suffix:
        drain = measured.seconds - measured.result.seconds
        bench.record(system.name, "archive after the last answer", "s", drain, is_part=True)
    bench.record_faults(system, measured.result)


def _format_people(people: int) -> str:
    return f"{people:,} people" if people > 1 else "1 person"
