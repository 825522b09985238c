"""`bench` and `chaos` that are interrupted: the programs they run must clean up."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from control.testing.subprocess_runner import INTERRUPTIBLE
from control.tests.conftest import ROOT
from control.tests.fake_python import FakePython
from smart_kit.testing.suite_harness import wait_until

COMMAND_SCRIPT = """\
import sys
from pathlib import Path
from control.cli import main
from control.context import Context
from control.extra_virtualenv import ExtraVirtualenv
from control.terminal import Terminal
ExtraVirtualenv.ensure = lambda *_: Path("bare", "python")
home = Path(sys.argv[1])
python = home / "programs" / "python"
context = Context(home, home / "manage.py", {}, Terminal.from_stream(), python_override=python)
sys.exit(main(sys.argv[2:], context))
"""
PROGRAM_SCRIPT = """\
import os, signal, sys
# SIGINT is ignored if the tests run in the background
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    print("ready", flush=True)
    while __name__ == "__main__":
        signal.pause()
finally:
    for number in map(int, sys.argv[1:]):
        os.kill(os.getpid(), number)
    print("clean")
"""
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bench reads /proc")


def start_python(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    """Start Python with the modules of a folder."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        env={"PYTHONPATH": f"{ROOT}:{folder}", "PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("command", ["bench", "chaos", "fuzz"])
def test_terminated_command_lets_its_program_clean_up(home: Path, command: str) -> None:
    python = FakePython(home)
    python.hangs = True
    python.write_responses()
    with start_python(home, "-c", COMMAND_SCRIPT, str(home), command) as process:
        wait_until(lambda: bool(python.calls))
        process.terminate()
        output = process.communicate(timeout=60)
    assert (process.returncode, output) == (143, ("", ""))
    assert (home / "tidied").exists()


def test_exit_status_of_the_program_is_kept(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("import sys\nsys.exit(3)")
    with start_python(tmp_path, *INTERRUPTIBLE, "program") as process:
        assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 3


@pytest.mark.parametrize(
    ("number", "later"),
    [(signal.SIGINT, []), (signal.SIGTERM, []), (signal.SIGTERM, [signal.SIGTERM])],
    ids=["Ctrl-C", "SIGTERM", "SIGTERM twice"],
)
def test_interrupted_program_cleans_up_and_says_so(
    tmp_path: Path, number: signal.Signals, later: list[signal.Signals]
) -> None:
    (tmp_path / "program.py").write_text(PROGRAM_SCRIPT)
    arguments = [str(int(one)) for one in later]
    with start_python(tmp_path, *INTERRUPTIBLE, "program", *arguments) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        output = process.communicate(timeout=60)
    assert (process.returncode, output) == (130, ("clean\n", "interrupted\n"))
