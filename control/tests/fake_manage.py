"""`manage.py` of a suite of fake services, run as a process.

FAKE_BEHAVIOURS holds their behaviours as JSON. Failed services restart at once; other commands are
waited for as long as on a busy machine.
"""

import json
import os
import sys
from pathlib import Path

from control.cli import main
from control.context import Context
from control.local import process_runner, timeouts
from control.terminal import Terminal
from control.tests import fake_services

if __name__ == "__main__":
    process_runner.MIN_BACKOFF_SECONDS, process_runner.MAX_BACKOFF_SECONDS = 0.05, 0.2
    timeouts.LOCK_TIMEOUT_SECONDS = timeouts.PICKUP_TIMEOUT_SECONDS = 60.0
    sys.exit(
        main(
            context=Context(
                root=Path(os.environ["FAKE_ROOT"]),
                manage_script=Path(__file__).resolve(),
                environ=dict(os.environ),
                terminal=Terminal.from_stream(),
                services=fake_services.build_services(json.loads(os.environ["FAKE_BEHAVIOURS"])),
                python_override=Path(os.environ["FAKE_PYTHON"]),
            )
        )
    )
