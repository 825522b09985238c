"""What a process that a test starts needs of this machine's environment.

The developer's own settings and proxies are not in it: they would change what a service logs and
whom it reaches. Nor are the variables of a suite: a test gives those that its service reads.
"""

import os

from smart_kit.testing.leftover_processes import RUN_VARIABLE

_NAMES = ("PATH", "HOME", "TMPDIR", RUN_VARIABLE)
"""The last one tells the next test run whose process it is, if this run is killed."""


def bare_environment() -> dict[str, str]:
    """For `env`, together with what the test itself has to say."""
    return {name: os.environ[name] for name in _NAMES if name in os.environ}
