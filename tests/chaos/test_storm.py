"""A short storm over the whole suite breaks no promise."""

from pathlib import Path

import pytest

from tests.chaos.storm.faulty_model import FaultyModel
from tests.chaos.storm.plan import SHORT_PLAN
from tests.chaos.storm.report import has_passed, render_table
from tests.chaos.storm.run import run_storm
from tests.chaos.storm.whole_suite import WholeSuite

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_the_suite_survives_a_storm(tmp_path: Path) -> None:
    with FaultyModel(SHORT_PLAN.seed) as model:
        suite = WholeSuite(tmp_path / "suite", model.url, SHORT_PLAN.timings)
        result = run_storm(suite, SHORT_PLAN, model, tmp_path)

    assert has_passed(result), f"{render_table(result)}\nThe evidence is in {tmp_path}"
    assert len(result.fault_records_for("kill")) >= 6
    assert result.fault_records_for("kill redis")
    assert result.fault_records_for("kill postgres")
    assert result.fault_records_for("stop")
