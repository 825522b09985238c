"""A `manage.py` whose services have the short leases of a short storm."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))  # this file runs as a script, also as the supervisor

from tests.chaos.launcher.commands import run_command  # noqa: E402 # needs the path above

if __name__ == "__main__":
    sys.exit(run_command(ROOT, Path(__file__).resolve(), "tests.chaos.storm.launch"))
