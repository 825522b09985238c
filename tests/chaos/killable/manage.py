"""A `manage.py` whose services have crash points and are restarted without a pause."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))  # this file runs as a script, also as the supervisor

from control.local import process_runner  # noqa: E402 # needs the path above
from tests.chaos.launcher.commands import run_command  # noqa: E402 # the same

if __name__ == "__main__":
    process_runner.MIN_BACKOFF_SECONDS = process_runner.MAX_BACKOFF_SECONDS = 0.05
    sys.exit(run_command(ROOT, Path(__file__).resolve(), "tests.chaos.killable.launch"))
