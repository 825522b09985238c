"""Running the tests, beside whatever is in use."""

import argparse
import subprocess

from control.context import Context


def run(context: Context, options: argparse.Namespace) -> int:
    python = context.python(develop=True)
    coverage = [f"--cov={name}" for name in options.service] or ["--cov"]
    paths = [f"{name}/tests" for name in options.service]
    command = (python, "-m", "pytest", *coverage, "--cov-report=term", *paths, *options.extra)
    return subprocess.run(command, cwd=context.root, env=context.foreign_environ).returncode
