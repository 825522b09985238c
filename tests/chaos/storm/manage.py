"""A `manage.py` whose services have the short leases of a short storm."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))  # the supervisor is started as this very file

from tests.chaos.launcher.commands import run_command  # noqa: E402 # found by the path above

if __name__ == "__main__":
    sys.exit(run_command(ROOT, Path(__file__).resolve(), "tests.chaos.storm.launch"))
