"""Format, lint, types and imports."""

import argparse
import subprocess
import time
from pathlib import Path

from control.context import Context
from control.terminal import seconds

CHECKS = (
    ("format", ("ruff", "format", "--check", ".")),
    ("lint", ("ruff", "check", ".")),
    ("types", ("mypy",)),
    ("imports", ("lint-imports",)),
)


def run(context: Context, _: argparse.Namespace) -> int:
    """All of them, whatever the first says; what they have to say only where it is needed."""
    programs = context.python(develop=True).parent
    failed = [name for name, command in CHECKS if not _passes(context, programs, name, command)]
    return 1 if failed else 0


def _passes(context: Context, programs: Path, name: str, command: tuple[str, ...]) -> bool:
    context.terminal.busy(f"… {name}")
    begun = time.monotonic()
    result = subprocess.run(
        (programs / command[0], *command[1:]),
        cwd=context.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    duration = seconds(time.monotonic() - begun)
    if result.returncode == 0:
        context.terminal.done(name, duration)
        return True
    context.terminal.failed(name, f"{duration}: {' '.join(command)}")
    context.terminal.line(result.stdout.rstrip())
    return False
