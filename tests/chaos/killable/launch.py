"""Runs a service's main module as production does, and knows each of its side effects.

`python -m tests.chaos.killable.launch SERVICE MODULE`
"""

import os
import runpy
import sys
from pathlib import Path

from tests.chaos.killable import file_boundary, haste, http_boundary, redis_boundary
from tests.chaos.killable.passage import Passage
from tests.chaos.killable.sabotage import Sabotage


def main() -> None:
    """The arguments after these two are the service's."""
    service, module, *rest = sys.argv[1:]
    state_dir = Path(os.environ["STATE_DIR"])
    passage = Passage(service, state_dir)
    redis_boundary.wrap(passage, Sabotage(state_dir))
    http_boundary.wrap(passage)
    if service == "rest_service":
        from tests.chaos.killable import postgres_boundary

        postgres_boundary.wrap(passage)
    file_boundary.wrap(passage)
    haste.hurry(service)
    sys.argv[1:] = rest
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
