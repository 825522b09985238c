"""Python, Docker, memory, disk and clock."""

import argparse
import email.utils
import platform
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterable

from control import machine, modes, requirements
from control.client import plain
from control.context import Context
from control.docker import engine
from control.doctor.finding import Finding, doubtful, wrong
from control.machine import Machine, gigabytes

_ENOUGH_SPACE = 2 * 1024**3
_LEAST_SPACE = 500 * 1024**2
_DRIFT = 30.0
"""Seconds by which a clock may be off: tokens and reminders bear no more."""


def check(context: Context, options: argparse.Namespace) -> Iterable[Finding]:
    found = context.find_machine(context.root)
    problem = engine.problem(context.environ)
    mode = modes.told(context, options) or ("local" if problem else "docker")
    findings = [*_local(context, found)] if mode == "local" else [_python("enough for Docker mode")]
    findings.append(Finding("Docker", problem or "an engine and Compose v2 answer"))
    yield from findings
    if not any(finding.subject == "disk" for finding in findings):
        yield _disk(context)
    yield _clock(context)


def _local(context: Context, found: Machine) -> Iterable[Finding]:
    """What only local mode needs of the machine."""
    shortcomings = [*machine.check_loopback(found), *machine.check_execution(found)]
    if context.virtualenv.is_complete or requirements.are_here(requirements.to_run(context.root)):
        yield _python("with everything that is pinned")
    elif context.virtualenv.is_whole:
        yield _python("the next start installs what has changed")
    else:
        shortcomings += context.virtualenv.shortcomings()
        if not any(one.subject == "Python" for one in shortcomings):
            yield _python("local mode installs the rest at its first start")
    for one in shortcomings:
        yield wrong(one.subject, one.said, one.advice)
    for one in machine.check_memory(found):
        yield doubtful(one.subject, one.said, one.advice)


def _python(said: str) -> Finding:
    return Finding("Python", f"Python {platform.python_version()}, {said}")


def _disk(context: Context) -> Finding:
    place = next(path for path in (context.state_dir, *context.state_dir.parents) if path.exists())
    free = shutil.disk_usage(place).free
    said = f"{gigabytes(free)} free for {context.shown_state_dir}"
    if free < _LEAST_SPACE:
        return wrong("disk", said, "make room: databases stop in the middle of things without it")
    if free < _ENOUGH_SPACE:
        return doubtful("disk", said, "make room soon: 2 GB leave air for logs and backups")
    return Finding("disk", said)


def _clock(context: Context) -> Finding:
    """Against the clock of the outside server that everything depends on."""
    url = plain(context.settings.outside_url or "")
    if not url:
        return Finding("clock", f"{time.strftime('%Y-%m-%d %H:%M:%S %Z')}; nobody outside to ask")
    try:
        date = _date_of(url)
    except (OSError, ValueError):
        return Finding("clock", "not compared: the server outside does not answer (see below)")
    drift = time.time() - date
    if abs(drift) > _DRIFT:
        return wrong(
            "clock", f"off by {drift:+.0f} s against {url}", "set it, best by NTP (timedatectl)"
        )
    return Finding("clock", f"right to within {max(abs(drift), 1):.0f} s")


def _date_of(url: str) -> float:
    """The server's Date header, whatever else it says, as Unix time."""
    asked = urllib.request.Request(url, method="HEAD")  # noqa: S310 - http(s) URLs of the settings
    try:
        with urllib.request.urlopen(asked, timeout=5) as response:  # noqa: S310 - the same
            date = response.headers["Date"]
    except urllib.error.HTTPError as error:
        with error:
            date = error.headers["Date"]
    return email.utils.parsedate_to_datetime(date or "").timestamp()
