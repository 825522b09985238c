"""`doctor`: find what prevents the suite from working, before and while it runs."""

import argparse
from collections.abc import Callable, Iterable
from functools import partial

from control.context import Context
from control.doctor import external_services, machine, settings, suite
from control.finding import Finding
from control.terminal import Terminal


def run(context: Context, options: argparse.Namespace) -> int:
    """Return 0 if no finding is an error. Each warning and error comes with advice."""
    checks: tuple[Callable[[Context], Iterable[Finding]], ...] = (
        settings.check,
        suite.check_state_files,
        partial(suite.check, options=options),
        partial(machine.check, options=options),
        machine.check_ports,
        external_services.check,
    )
    findings = []
    for check in checks:
        context.terminal.show_progress("… checking")
        for finding in check(context):
            _print_finding(context.terminal, finding)
            findings.append(finding)
    if any(finding.severity == "error" for finding in findings):
        return 1
    has_warnings = any(finding.severity == "warning" for finding in findings)
    verdict = "errors; see the warnings (!)" if has_warnings else "problems"
    advice = "State of the services: ./manage.py status"
    context.terminal.print_line(f"There are no {verdict}. {advice}")
    return 0


def _print_finding(terminal: Terminal, finding: Finding) -> None:
    match finding.severity:
        case "ok":
            terminal.print_success(finding.subject, finding.message)
        case "warning":
            terminal.print_warning(f"{finding.subject}: {finding}")
        case "error":
            terminal.print_failure(finding.subject, str(finding))
