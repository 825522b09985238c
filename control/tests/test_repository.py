"""Rules that the files of this repository keep."""

from pathlib import Path

from control import requirements
from control.tests.conftest import ROOT

PARTS = (*requirements.SERVICES, "control", "sandbox", "smart_kit")
LINES = 400


def test_no_file_of_tests_is_too_long_to_be_read() -> None:
    folders = [ROOT / "tests", *(ROOT / part / "tests" for part in PARTS)]
    files = [path for folder in folders for path in folder.rglob("*.py")]
    assert len(files) > 100
    assert [path for path in files if _length(path) > LINES] == []


def _length(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())
