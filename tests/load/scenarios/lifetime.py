"""Scenarios about start, memory, growing histories, long runs and kills."""

import math
import os
import signal
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from tests.e2e.fault_injection import get_pids
from tests.load.bench import Bench
from tests.load.fakes.answer_log import LoadResult
from tests.load.figures import SUITE, percentile
from tests.load.scenarios.stored_history import fill_history, forget_history
from tests.load.systems import System, removing, running

_MEGABYTE = 2**20
_SOAK_RATE = 30
_GROWTH_MARKS = (5_000, 25_000, 50_000, 100_000)
_STABLE_SECONDS = 1.0
"""After this time without change, the assistant has as many turns in progress as it can."""


def measure_startup(bench: Bench) -> None:
    """Time from the command to the first answer: with an empty state folder, and again."""
    if bench.is_quick:
        for system in (bench.suite, bench.bare):
            system.stop()
            _record_start(bench, system, "warm start")
        return
    for _ in range(bench.runs):
        for system in (bench.make_suite(), bench.make_bare_bot()):
            with removing(system):
                _record_start(bench, system, "cold start")
                system.stop()
                _record_start(bench, system, "warm start")


def _record_start(bench: Bench, system: System, name: str) -> None:
    bench.record(system.name, name, "s", _time_first_answer(bench, system))
    system.wait_until_drained()


def _time_first_answer(bench: Bench, system: System) -> float:
    """Start a system that finds a message waiting, and return the seconds until its answer."""
    plan = bench.plan(system, people=1, patience_seconds=120.0)
    with ThreadPoolExecutor(1) as threads:
        running_load = threads.submit(bench.fakes.run_load, plan)
        system.start()
        (seconds,) = running_load.result().response_times
    return seconds


def measure_memory(bench: Bench) -> None:
    """Memory after the start, and after 500 messages of new people and 200 turns at once."""
    for _ in range(bench.runs):
        with bench.other_suite() as suite:
            _measure_memory_under_load(bench, suite)
        bare = bench.make_bare_bot()
        with running(bare):
            bench.run_load(bare, bench.plan(bare, people=1))
            _measure_memory_under_load(bench, bare)


def _measure_memory_under_load(bench: Bench, system: System) -> None:
    _record_memory(bench, system, "idle")
    people = bench.size(250, 20)
    for plan in (
        bench.plan(system, people, messages=2),
        bench.plan_known(system, bench.size(200, 20), model_seconds=1.0),
    ):
        bench.record_faults(system, bench.run_load(system, plan))
    _record_memory(bench, system, "after load")


def _record_memory(bench: Bench, system: System, when: str) -> None:
    kinds = system.groups.measure_memory()
    for name in ("PSS", "RSS"):
        amounts = {kind: getattr(memory, name.lower()) for kind, memory in kinds.items()}
        bench.record(system.name, f"{name} {when}", "MB", sum(amounts.values()) / _MEGABYTE)
        if system.name == SUITE:
            for kind, amount in sorted(amounts.items(), key=lambda item: -item[1]):
                part = f"{name} {when}: {kind}"
                bench.record(SUITE, part, "MB", amount / _MEGABYTE, is_part=True)


def measure_history(bench: Bench) -> None:
    """People with 10 to 100,000 stored messages: CPU time, and an answer if Redis lost them."""
    people, messages = 4, bench.size(40, 10)
    with bench.other_suite() as suite:
        plans = {}
        for length in bench.size((10, 1_000, 100_000), (10, 1_000)):
            first = bench.plan(suite, people)
            bench.run_load(suite, first)
            fill_history(suite, first, length)
            plans[f", {length:,} messages"] = replace(first, messages=messages)
        for _ in range(bench.runs):
            for suffix, plan in plans.items():
                for system in (suite, bench.bare):
                    plan = replace(plan, token=system.token)
                    measured = bench.measure(system, plan)
                    bench.record_cpu(system, measured, f"CPU{suffix}", has_parts=False)
                forget_history(suite, plan)
                result = bench.run_load(suite, replace(plan, token=suite.token, messages=1))
                value = 1000 * percentile(result.response_times, 50)
                bench.record(SUITE, f"answer after a loss{suffix}", "ms", value)


def measure_soak(bench: Bench) -> None:
    """30 messages/s of 1,000 people who are all new, and a model that takes 1 s."""
    people = bench.size(1_000, 100)
    minutes = bench.size(float(bench.minutes), 0.1)
    messages = math.ceil(_SOAK_RATE * 60 * minutes / people)
    with bench.other_suite() as suite, ThreadPoolExecutor(1) as threads:
        plan = bench.plan(suite, people, messages, rate=_SOAK_RATE, model_seconds=1.0)
        running_load = threads.submit(bench.run_load, suite, plan)
        pss = _sample_pss(suite, running_load)
    result = running_load.result()
    bench.record_added_time(suite, result, plan.unavoidable_seconds)
    for minute in sorted({int(sent // 60) for sent, _ in result.samples}):
        added = [1000 * (took - 1.0) for sent, took in result.samples if sent // 60 == minute]
        for percent in (50, 99):
            name = f"added p{percent}, minute {minute + 1}"
            bench.record(SUITE, name, "ms", percentile(added, percent), is_part=True)
    *earlier, last = pss
    for minute, value in enumerate(earlier):
        bench.record(SUITE, f"PSS at minute {minute}", "MB", value, is_part=True)
    bench.record(SUITE, "PSS at the end", "MB", last, is_part=True)


def _sample_pss(system: System, running_load: "Future[LoadResult]") -> list[float]:
    """Return the memory at the begin, each minute, and at the end, in MB."""
    samples: list[float] = []
    while True:
        memory = system.groups.measure_memory()
        samples.append(sum(part.pss for part in memory.values()) / _MEGABYTE)
        if running_load.done():
            return samples
        begin = time.monotonic()
        while not running_load.done() and time.monotonic() < begin + 60:
            time.sleep(0.2)


def measure_growth(bench: Bench) -> None:
    """Memory after 5,000 to 100,000 messages of 200 people, who write as fast as they can."""
    people = bench.size(200, 20)
    marks = bench.size(_GROWTH_MARKS, (100, 200))
    with bench.other_suite() as suite:
        first = bench.plan(suite, people, window=2)
        sent = 0
        for mark in marks:
            messages = (mark - sent) // people
            result = bench.run_load(suite, replace(first, messages=messages))
            bench.record_faults(suite, result)
            sent = mark
            _record_memory(bench, suite, f"after {mark:,} messages")


def measure_kill(bench: Bench) -> None:
    """SIGKILL of the assistant with 200 turns in progress: time until the last answer."""
    with bench.other_suite() as suite, ThreadPoolExecutor(1) as threads:
        for _ in range(bench.runs):
            plan = bench.plan_known(
                suite, bench.size(200, 40), model_seconds=3.0, patience_seconds=120.0
            )
            begin = time.monotonic()
            running_load = threads.submit(bench.run_load, suite, plan)
            bench.record(SUITE, "turns in progress", "", _wait_for_turns(bench, plan.people))
            os.kill(get_pids(suite.suite)["assistant"], signal.SIGKILL)
            killed_at = time.monotonic()
            result = running_load.result()
            last = begin + result.seconds - killed_at
            bench.record(SUITE, "last answer after the kill", "s", last)
            model_requests = result.calls["model"] / max(len(result.samples), 1)
            bench.record(SUITE, "model requests per answer", "", model_requests)
            bench.record_faults(suite, result)


def _wait_for_turns(bench: Bench, people: int) -> int:
    """Wait until the model has a request of everyone, or of as many as the assistant has slots."""
    count, since = 0, time.monotonic()
    while count < people and (not count or time.monotonic() < since + _STABLE_SECONDS):
        now = bench.fakes.count_model_requests()
        if now != count:
            count, since = now, time.monotonic()
        time.sleep(0.02)
    return count
