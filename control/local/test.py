"""Running the tests, beside whatever is in use."""

import argparse
import subprocess

from control.context import Context

_AT_ONCE = ("--numprocesses=auto", "--maxprocesses=4", "--dist=loadfile")
"""Many tests wait for other processes; those of one file share what they start."""


def run(context: Context, options: argparse.Namespace) -> int:
    python = context.python(develop=True)
    coverage = [f"--cov={name}" for name in options.service] or ["--cov"]
    paths = [f"{name}/tests" for name in options.service]
    command = (
        python,
        "-m",
        "pytest",
        *_AT_ONCE,
        *coverage,
        "--cov-report=term",
        *paths,
        *options.extra,
    )
    return subprocess.run(command, cwd=context.root, env=context.foreign_environ).returncode
