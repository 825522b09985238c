"""The program behind `bench`, without its systems."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from control.terminal import Terminal
from tests.load import run

REPORT: dict[str, Any] = {"scenarios": [], "failed": []}


class TestMeasuredReport:
    """The report of a measurement that has ended."""

    @pytest.fixture(autouse=True)
    def output(self, monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
        output = io.StringIO()
        terminal = Terminal(output, is_tty=False, colour=False)
        monkeypatch.setattr(Terminal, "from_stream", lambda: terminal)
        monkeypatch.setattr(run, "run_scenarios", lambda *_: REPORT)
        monkeypatch.setattr(run, "print_report", lambda *_: terminal.print_line("the table"))
        return output

    def main(self, file: Path) -> int:
        return run.main(["--bare-python", "none", "--json", str(file)])

    def test_table_is_printed_although_file_cannot_be_written(
        self, tmp_path: Path, output: io.StringIO
    ) -> None:
        assert self.main(tmp_path) == 1
        table, failure = output.getvalue().splitlines()
        assert table == "the table"
        assert failure.endswith(f"cannot write {tmp_path}: Is a directory")

    def test_file_is_written_although_table_cannot_be_printed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise BrokenPipeError

        monkeypatch.setattr(run, "print_report", fail)
        file = tmp_path / "new.json"
        with pytest.raises(BrokenPipeError):
            self.main(file)
        assert json.loads(file.read_text()) == REPORT
