"""Scenarios that measure CPU time per message."""

import sys
from dataclasses import replace
from pathlib import Path

from tests.load.bench import Bench
from tests.load.figures import BARE, SUITE
from tests.load.scenarios.stored_history import fill_history
from tests.load.systems import System, running

_LOOP_BOT = Path(__file__).parents[1] / "loop_bot.py"
_TRICKLE_RATE = 10.0
"""Messages per second of different people: so few that each is answered before the next one."""


def measure_fakes(bench: Bench) -> None:
    """What bounds the bench: the fakes with a client that does nothing but call them."""
    loop_bot = bench.make_bare_bot(sys.executable, _LOOP_BOT)
    with running(loop_bot):
        bench.measure(loop_bot, bench.plan(loop_bot, people=1))
        for _ in range(bench.runs):
            plan = bench.plan(loop_bot, people=200, messages=bench.size(10, 3), window=2)
            measured = bench.measure(loop_bot, plan)
            bench.record(BARE, "messages", "1/s", measured.answers / measured.seconds)
            limit = measured.answers / measured.fakes_cpu
            bench.record(BARE, "messages per core of the fakes", "1/s", limit)


def measure_known(bench: Bench) -> None:
    """CPU time for people who have written before, each message after the last answer."""
    for system in bench.interleave():
        plan = bench.plan_known(system, people=bench.size(200, 40), messages=5)
        bench.record_cpu(system, bench.measure(system, plan))


def measure_new(bench: Bench) -> None:
    """CPU time for people who have never written, two messages each."""
    for system in bench.interleave():
        plan = bench.plan(system, people=bench.size(200, 40), messages=2)
        bench.record_cpu(system, bench.measure(system, plan))


def measure_long(bench: Bench) -> None:
    """CPU time for people with 400 stored messages: a full history and context window."""
    people, messages = bench.size((200, 5), (40, 3))
    first = bench.plan(bench.suite, people)
    bench.run_load(bench.suite, first)
    fill_history(bench.suite, first, messages=400)
    for system in bench.interleave():
        plan = bench.plan_known(system, people, messages)
        if system is bench.suite:
            plan = replace(first, messages=messages)
        bench.record_cpu(system, bench.measure(system, plan))


def measure_tool(bench: Bench) -> None:
    """CPU time if the model calls a tool (get_time) before it answers; the bare bot has none."""
    for system in bench.interleave():
        plan = bench.plan_known(
            system, people=bench.size(200, 40), messages=bench.size(4, 2), has_tool_call=True
        )
        bench.record_cpu(system, bench.measure(system, plan))


def measure_streamed(bench: Bench) -> None:
    """An answer that the model writes for 3 s and the suite shows meanwhile."""
    for system in bench.interleave():
        plan = bench.plan_known(
            system, people=bench.size(30, 10), messages=bench.size(3, 1),
            model_seconds=0.2, stream_seconds=3.0,
        )  # fmt: skip
        measured = bench.measure(system, plan)
        bench.record_cpu(system, measured)
        bench.record_added_time(system, measured.result, plan.unavoidable_seconds)
        if system is bench.suite:
            drafts = measured.result.calls.get("sendMessageDraft", 0)
            bench.record(SUITE, "drafts", "1/message", drafts / max(measured.answers, 1))


def measure_trickle(bench: Bench) -> None:
    """One message after the other, of one person, then of many: nothing can be batched."""
    for system in bench.interleave():
        plan = bench.plan_known(system, people=1, messages=bench.size(300, 60))
        measured = bench.measure(system, plan)
        bench.record_cpu(system, measured)
        bench.record_added_time(system, measured.result, plan.unavoidable_seconds)
        _measure_new_alone(bench, system)


def _measure_new_alone(bench: Bench, system: System) -> None:
    """Compare people who write for the first time, one by one, with as many known people."""
    people, costs = bench.size(100, 20), []
    for name, plan in (
        ("known people in turn", bench.plan_known(system, people, rate=_TRICKLE_RATE)),
        ("new people in turn", bench.plan(system, people, rate=_TRICKLE_RATE)),
    ):
        measured = bench.measure(system, plan)
        bench.record_cpu(system, measured, f"CPU, {name}", has_parts=False)
        costs.append(1000 * sum(measured.cpu.values()) / max(measured.answers, 1))
    if system is bench.suite:
        known, new = costs
        bench.record(SUITE, "a new person alone", "ms/person", new - known, is_part=True)
