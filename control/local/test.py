"""Running the tests, beside whatever is in use."""

import argparse
import subprocess

from control import requirements, variables
from control.context import Context
from control.errors import ControlError

PARTS = (*requirements.SERVICES, "control", "smart_kit")


def run(context: Context, options: argparse.Namespace) -> int:
    for name in options.service:
        if name not in PARTS:
            raise ControlError(f"no tests of {name!r}; there are: {', '.join(PARTS)}")
    python = context.python(develop=True)
    coverage = [f"--cov={name}" for name in options.service] or ["--cov"]
    paths = [f"{name}/tests" for name in options.service]
    command = (python, "-m", "pytest", *coverage, "--cov-report=term", *paths, *options.extra)
    return subprocess.run(command, cwd=context.root, env=_environment(context)).returncode


def _environment(context: Context) -> dict[str, str]:
    """The operator's, without what belongs to the suite in use: tests name their own."""
    environ = context.environ
    return {name: environ[name] for name in environ if name not in variables.NAMES}
