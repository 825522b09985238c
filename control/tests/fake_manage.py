"""`manage.py` of a suite whose services are fakes, as a process of its own.

Their behaviours are in FAKE_BEHAVIOURS, as JSON. What fails is started again at once. It waits for
other commands as long as a busy machine needs.
"""

import json
import os
import sys
from pathlib import Path

from control.cli import main
from control.context import Context
from control.local import keeper, timeouts
from control.terminal import Terminal
from control.tests import fake_services

if __name__ == "__main__":
    keeper.FIRST_PAUSE, keeper.LONGEST_PAUSE = 0.05, 0.2
    timeouts.TURN = timeouts.HEARING = 60.0
    sys.exit(
        main(
            context=Context(
                root=Path(os.environ["FAKE_ROOT"]),
                entry=Path(__file__).resolve(),
                environ=dict(os.environ),
                terminal=Terminal.of(),
                services=fake_services.table(json.loads(os.environ["FAKE_BEHAVIOURS"])),
                given_python=Path(os.environ["FAKE_PYTHON"]),
            )
        )
    )
