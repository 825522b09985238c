"""`check`: generated files, formatting, lint, types and imports."""

import argparse
import subprocess
import time
from pathlib import Path

from control.context import Context
from control.terminal import format_seconds

CHECKS = (
    ("generated", ("python", "-m", "control.generated_files")),
    ("format", ("ruff", "format", "--check", ".")),
    ("lint", ("ruff", "check", ".")),
    ("types", ("mypy",)),
    ("imports", ("lint-imports",)),
)
FIXES = (
    ("python", "-m", "control.generated_files", "--fix"),
    ("ruff", "check", "--fix", "--quiet", "--exit-zero", "."),
    ("ruff", "format", "--quiet", "."),
)


def run(context: Context, options: argparse.Namespace) -> int:
    """Run all checks, even after one has failed; print the output of those that fail."""
    programs = context.ensure_python(develop=True).parent
    for command in FIXES if options.fix else ():
        subprocess.run((programs / command[0], *command[1:]), cwd=context.root)
    results = [_run_check(context, programs, name, command) for name, command in CHECKS]
    return 0 if all(results) else 1


def _run_check(context: Context, programs: Path, name: str, command: tuple[str, ...]) -> bool:
    context.terminal.show_progress(f"… {name}")
    started_at = time.monotonic()
    result = subprocess.run(
        (programs / command[0], *command[1:]),
        cwd=context.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    duration = format_seconds(time.monotonic() - started_at)
    if result.returncode == 0:
        context.terminal.print_success(name, duration)
        return True
    context.terminal.print_failure(name, f"{duration}: {' '.join(command)}")
    context.terminal.print_line(result.stdout.rstrip())
    return False
