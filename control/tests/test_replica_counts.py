"""Validation of the file with the replica counts."""

from pathlib import Path

import pytest

from control import replicas
from control.errors import ControlError
from control.services import SERVICES
from control.tests.fake_suite import FakeSuite


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is damaged"),
        ('{"assistant"', "is damaged"),
        ("\0\0\0", "is damaged"),
        ("\udcff", "is damaged"),
        ("null", "does not say how many of which service"),
        ('{"assistant": "3"}', "says assistant='3'; a number is from 1 to 16"),
        ('{"assistant": true}', "says assistant=True"),
        ('{"assistant": 0}', "says assistant=0"),
        ('{"assistant": 17}', "says assistant=17"),
        ('{"tg_bot": 2}', "names 'tg_bot'; services with replicas: rest_service, assistant"),
    ],
)
def test_invalid_replica_counts_are_refused_with_file_and_advice(
    tmp_path: Path, text: str, reason: str
) -> None:
    file = tmp_path / "replicas.json"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ControlError) as refusal:
        replicas.read(tmp_path, SERVICES)
    output = str(refusal.value)
    assert output.startswith(f"{file} {reason}")
    assert output.endswith(replicas.REPAIR_ADVICE)


def test_stored_replica_counts_are_read_and_default_to_one(tmp_path: Path) -> None:
    assert replicas.read(tmp_path, SERVICES) == {}
    replicas.save(tmp_path, {"assistant": 3, "rest_service": 1})
    assert replicas.read(tmp_path, SERVICES) == {"assistant": 3, "rest_service": 1}


def test_damaged_count_neither_stops_services_nor_prevents_stopping(
    suite: FakeSuite,
) -> None:
    suite.manage("start")
    before = suite.processes()
    (suite.home / "state" / "replicas.json").write_text("null")
    for command in ("restart", "rebuild", "start", "status"):
        assert "replicas.json does not say" in suite.manage(command, status=1)
    assert all(process.is_alive for process in before)
    suite.manage("stop")
    assert not any(process.is_alive for process in before)
