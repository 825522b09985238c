"""Rules for the files of this repository."""

from pathlib import Path

from control import requirements
from control.tests.conftest import ROOT

PACKAGES = (*requirements.SERVICES, "control", "sandbox", "smart_kit")
MAX_LINES = 400


def test_files_of_tests_have_limited_length() -> None:
    folders = [ROOT / "tests", *(ROOT / part / "tests" for part in PACKAGES)]
    files = [path for folder in folders for path in folder.rglob("*.py")]
    assert len(files) > 100
    assert [path for path in files if _count_lines(path) > MAX_LINES] == []


def _count_lines(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())
