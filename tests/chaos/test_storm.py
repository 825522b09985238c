"""A storm over the whole suite breaks no promise."""

from pathlib import Path

import pytest

from tests.chaos.storm.faulty_model import FaultyModel
from tests.chaos.storm.plan import BRIEF
from tests.chaos.storm.report import is_good, table
from tests.chaos.storm.run import storm
from tests.chaos.storm.whole_suite import WholeSuite

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_the_suite_survives_a_storm(tmp_path: Path) -> None:
    with FaultyModel(BRIEF.seed) as model:
        suite = WholeSuite(tmp_path / "suite", model.url, BRIEF.timings)
        outcome = storm(suite, BRIEF, model, tmp_path)

    assert is_good(outcome), f"{table(outcome)}\nThe evidence is in {tmp_path}"
    assert len(outcome.fault_records_of("kill")) >= 6
    assert outcome.fault_records_of("kill redis")
    assert outcome.fault_records_of("kill postgres")
    assert outcome.fault_records_of("stop")
