"""The scenarios of `bench`, two of them with the whole suite."""

import io
import math
import sys
from pathlib import Path
from typing import Any

import pytest

from control import benchmark_scenarios
from control.terminal import Terminal
from tests.load import run
from tests.load.bench import Bench
from tests.load.figures import index_figures
from tests.load.report import print_report
from tests.load.scenarios import claims, schedules
from tests.load.scenarios.table import SCENARIOS

LOOP_BOT = Path(run.__file__).with_name("loop_bot.py")
KINDS = ("assistant", "rest_service", "tg_bot", "cron_service", "redis", "postgres", "supervisor")


def test_command_offers_exactly_the_implemented_scenarios() -> None:
    assert tuple(SCENARIOS) == benchmark_scenarios.ALL


@pytest.mark.parametrize("name", SCENARIOS)
def test_each_scenario_has_a_title_of_one_line(name: str) -> None:
    title = SCENARIOS[name].__doc__ or ""
    assert title.endswith(".")
    assert "\n" not in title


@pytest.mark.slow
@pytest.mark.local
@pytest.mark.e2e
@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
def test_quick_bench_has_complete_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load = schedules.ScheduleLoad(50, 0.5, kill_intervals=(0.2,), first_due_in=0.5)
    monkeypatch.setattr(schedules, "QUICK", load)
    sizes = claims.ClaimSizes(few=200, many=400, waiting=20, rounds=1)
    monkeypatch.setattr(claims, "QUICK", sizes)
    output = io.StringIO()
    terminal = Terminal(output, is_tty=False, colour=False)
    bench = Bench(tmp_path, (sys.executable, LOOP_BOT), is_quick=True)
    names = ["known", "trickle", "schedules", "claims"]
    report = run.run_scenarios(bench, names, terminal)
    assert report["failed"] == []
    assert [scenario["name"] for scenario in report["scenarios"]] == names
    for scenario in report["scenarios"]:
        assert not any(scenario["faults"].get("suite", {}).values()), scenario["faults"]
    figures = index_figures(report)
    check_schedules(pop_scenario(figures, "schedules"))
    check_claims(pop_scenario(figures, "claims"))
    a_new_person_alone = figures.pop(("trickle", "a new person alone"))  # may be noise below 0
    for figure in figures.values():
        for series in {"suite", "bare", "ratio"} & figure.keys():
            assert len(figure[series]["runs"]) == 1
            assert math.isfinite(figure[series]["median"])
            assert figure[series]["median"] >= 0
    total = figures["known", "CPU"]
    assert total["suite"]["median"] > total["bare"]["median"] > 0
    parts = [figures["known", kind]["suite"]["median"] for kind in KINDS]
    assert 0 < sum(parts) <= total["suite"]["median"]
    assert figures["known", "CPU of the fakes, not included"]["bare"]["median"] > 0
    assert (
        figures["trickle", "added p99"]["suite"]["median"]
        >= (figures["trickle", "added p50"]["suite"]["median"])
    )
    assert math.isfinite(a_new_person_alone["suite"]["median"])
    assert report["machine"]["postgres"][0].isdecimal()
    print_report(terminal, report)
    assert "suite / bare bot" in output.getvalue()


def pop_scenario(figures: dict[tuple[str, str], Any], scenario: str) -> dict[str, float]:
    """Remove the figures of a scenario, and return the suite's by name."""
    names = [name for one, name in figures if one == scenario]
    return {name: figures.pop((scenario, name))["suite"]["median"] for name in names}


def check_schedules(figures: dict[str, float]) -> None:
    assert figures["runs"] == 50
    assert figures["missing"] == figures["doubled"] == 0
    assert figures["kills"] > 1
    assert 0 < figures["lateness p50"] <= figures["lateness p99"] <= figures["lateness max"]
    parts = ("cron_service replicas", "rest_service", "postgres", "redis")
    assert 0 < sum(figures[part] for part in parts) <= figures["CPU"]


def check_claims(figures: dict[str, float]) -> None:
    for action in ("list of 100 jobs", "claim of 100 jobs", "claim without due jobs"):
        few, many = figures[f"{action}, 200 jobs"], figures[f"{action}, 400 jobs"]
        assert figures[f"{action}, 400 jobs / 200 jobs"] == many / few > 0
        assert figures[f"{action}, 400 jobs, 20 of blocked users due"] > 0


def test_failed_scenario_is_reported_and_the_others_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Bench) -> None:
        raise AssertionError("the suite does not start")

    bench = Bench(tmp_path, ("none",))
    monkeypatch.setattr(run, "SCENARIOS", {"bad": fail, "good": lambda _: None})
    output = io.StringIO()
    terminal = Terminal(output, is_tty=False, colour=False)
    scenarios, failed = run.run_each(bench, ["bad", "good"], terminal)
    assert ([one["name"] for one in scenarios], failed) == (["good"], ["bad"])
    assert "bad" in output.getvalue()
    assert "the suite does not start" in output.getvalue()
