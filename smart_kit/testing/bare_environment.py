"""The environment variables that a process started by a test inherits.

A developer's settings and proxies are left out, because they would change what a service logs and
reaches. The variables of a suite are left out too: a test passes those that its service reads.
"""

import os

from smart_kit.testing.leftover_processes import RUN_VARIABLE

_NAMES = ("PATH", "HOME", "TMPDIR", RUN_VARIABLE)
"""By the last one, a later test run recognizes processes of this run, should it be killed."""


def bare_environment() -> dict[str, str]:
    """Return the inherited variables, for `env`."""
    return {name: os.environ[name] for name in _NAMES if name in os.environ}
