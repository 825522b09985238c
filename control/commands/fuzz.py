"""Strange requests to a rest_service of its own, beside whatever is in use."""

import argparse
import subprocess

from control.context import Context


def run(context: Context, options: argparse.Namespace) -> int:
    command = [str(context.ensure_python(develop=True)), "-m", "rest_service.tests.fuzz"]
    command += ["--cases", str(options.cases)]
    if options.seed is not None:
        command += ["--seed", str(options.seed)]
    return subprocess.run(command, cwd=context.root, env=context.environ_without_suite).returncode
