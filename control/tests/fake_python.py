"""A program in place of the Python of `.venv` that records its calls."""

import json
import sys
from pathlib import Path
from typing import Any

from control.context import Context
from control.terminal import Terminal

PYTHON_SCRIPT = """\
#!{python} -IS
import json, os, signal, sys, time
from pathlib import Path
home = Path({home!r})
def siblings():
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_text().split("\\0")
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
        if int(parent) == os.getppid() and "getppid" in "".join(command):
            yield int(folder.name)
responses = json.loads((home / "responses.json").read_text())
call = dict(arguments=sys.argv[1:], environment=dict(os.environ), cwd=os.getcwd())
def tidy_up(*_):
    time.sleep(0.4)
    (home / "tidied").touch()
    sys.exit(2)
if responses["hangs"]:
    signal.signal(signal.SIGINT, tidy_up)
    signal.signal(signal.SIGTERM, tidy_up)
with (home / "python-calls").open("a") as calls:
    calls.write(json.dumps(call | dict(loops=[*siblings()])) + "\\n")
if sys.argv[2] == "coverage":
    print(json.dumps(responses["report"]))
    sys.exit(responses["report"] is None)
while responses["hangs"]:
    signal.pause()
runs = [line for line in (home / "python-calls").open() if '"pytest"' in line]
sys.exit(responses["statuses"][min(len(runs), len(responses["statuses"])) - 1])
"""


class FakePython:
    """Its runs of pytest exit with `statuses` in order; the last one repeats."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.statuses = [0]
        self.report: dict[str, Any] | None = None
        """The report of coverage.py; None: there is none."""
        self.hangs = False
        """Whether pytest runs until Ctrl-C or SIGTERM and then takes time to clean up."""
        self.path = home / "programs" / "python"
        self.path.parent.mkdir(exist_ok=True)
        self.path.write_text(PYTHON_SCRIPT.format(python=sys.executable, home=str(home)))
        self.path.chmod(0o755)

    def context(self, terminal: Terminal, **environ: str) -> Context:
        """Return the context of a command that runs this program, with the current responses."""
        self.write_responses()
        return Context(
            self.home, self.home / "manage.py", environ, terminal, python_override=self.path
        )

    def write_responses(self) -> None:
        responses = {"statuses": self.statuses, "report": self.report, "hangs": self.hangs}
        (self.home / "responses.json").write_text(json.dumps(responses))

    @property
    def calls(self) -> list[dict[str, Any]]:
        file = self.home / "python-calls"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    @property
    def pytest_options(self) -> list[str]:
        """The options of the last run."""
        calls = [call["arguments"] for call in self.calls if "pytest" in call["arguments"]]
        arguments: list[str] = calls[-1]
        assert arguments[:2] == ["-m", "pytest"]
        return arguments[2:]
