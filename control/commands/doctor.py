"""Looking for what keeps the suite from working, before and while it runs."""

import argparse
from collections.abc import Callable, Iterable
from functools import partial

from control.context import Context
from control.doctor import machine, outside, ports, settings, state, suite
from control.doctor.finding import Finding
from control.terminal import Terminal


def run(context: Context, options: argparse.Namespace) -> int:
    """0 where nothing is wrong; each line that is not well says what to do."""
    checks: tuple[Callable[[Context], Iterable[Finding]], ...] = (
        settings.check,
        state.check,
        partial(suite.check, options=options),
        partial(machine.check, options=options),
        ports.check,
        outside.check,
    )
    findings = []
    for check in checks:
        context.terminal.busy("… looking")
        for finding in check(context):
            _show(context.terminal, finding)
            findings.append(finding)
    if any(finding.verdict == "wrong" for finding in findings):
        return 1
    is_doubtful = any(finding.verdict == "doubtful" for finding in findings)
    verdict = (
        "Nothing keeps it from working; look at the lines with !"
        if is_doubtful
        else "Nothing is wrong"
    )
    context.terminal.line(f"{verdict}. How well it runs: ./manage.py status")
    return 0


def _show(terminal: Terminal, finding: Finding) -> None:
    if finding.verdict == "well":
        terminal.done(finding.subject, finding.said)
    elif finding.verdict == "wrong":
        terminal.failed(finding.subject, f"{finding.said}: {finding.advice}")
    else:
        terminal.warn(f"{finding.subject}: {finding.said}: {finding.advice}")
