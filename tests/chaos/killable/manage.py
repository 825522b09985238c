"""A `manage.py` whose services can be told where to die, and are started again at once."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))  # the supervisor is started as this very file

from control.local import process_runner  # noqa: E402 # found by the path above
from tests.chaos.launcher.commands import run_command  # noqa: E402 # the same

if __name__ == "__main__":
    process_runner.MIN_BACKOFF_SECONDS = process_runner.MAX_BACKOFF_SECONDS = 0.05
    sys.exit(run_command(ROOT, Path(__file__).resolve(), "tests.chaos.killable.launch"))
