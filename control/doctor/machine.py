"""Checks of Python, Docker, memory, disk and clock."""

import argparse
import email.utils
import platform
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterable

from control import machine, modes, requirements
from control.context import Context
from control.docker import engine
from control.finding import Finding, make_error, make_warning
from control.http_client import strip_credentials
from control.machine import Machine, format_gigabytes

_LOW_FREE_BYTES = 2 * 1024**3
_MIN_FREE_BYTES = 500 * 1024**2
_MAX_CLOCK_DRIFT_SECONDS = 30.0
"""Seconds by which the clock may be wrong. Tokens and reminders tolerate no more."""


def check(context: Context, options: argparse.Namespace) -> Iterable[Finding]:
    found = context.find_machine(context.root)
    docker_error = engine.find_availability_error(context.environ)
    mode = modes.find_selected_mode(context, options) or ("local" if docker_error else "docker")
    findings = (
        [*_check_local(context, found)]
        if mode == "local"
        else [_python_finding("enough for Docker mode")]
    )
    findings.append(Finding("Docker", docker_error or "an engine and Compose v2 answer"))
    yield from findings
    if not any(finding.subject == "disk" for finding in findings):
        yield _check_disk(context)
    yield _check_clock(context)


def _check_local(context: Context, found: Machine) -> Iterable[Finding]:
    """Yield what only local mode requires."""
    shortcomings = [*machine.check_loopback(found), *machine.check_execution(found)]
    if context.virtualenv.has_runtime_packages or requirements.are_installed(
        requirements.runtime_files(context.root)
    ):
        yield _python_finding("with everything that is pinned")
    elif context.virtualenv.is_usable:
        yield _python_finding("the next start installs what has changed")
    else:
        shortcomings += context.virtualenv.find_unmet_requirements()
        if not any(one.subject == "Python" for one in shortcomings):
            yield _python_finding("local mode installs the rest at its first start")
    for one in shortcomings:
        yield make_error(one.subject, one.message, one.advice)
    for one in machine.check_memory(found):
        yield make_warning(one.subject, one.message, one.advice)


def _python_finding(said: str) -> Finding:
    return Finding("Python", f"Python {platform.python_version()}, {said}")


def _check_disk(context: Context) -> Finding:
    place = next(path for path in (context.state_dir, *context.state_dir.parents) if path.exists())
    free = shutil.disk_usage(place).free
    said = f"{format_gigabytes(free)} free for {context.display_state_dir}"
    if free < _MIN_FREE_BYTES:
        return make_error(
            "disk", said, "make room: databases stop in the middle of things without it"
        )
    if free < _LOW_FREE_BYTES:
        return make_warning("disk", said, "make room soon: 2 GB leave air for logs and backups")
    return Finding("disk", said)


def _check_clock(context: Context) -> Finding:
    """Compare the clock with that of the external server that the suite depends on."""
    url = strip_credentials(context.settings.external_url or "")
    if not url:
        return Finding(
            "clock", f"{time.strftime('%Y-%m-%d %H:%M:%S %Z')}; no external server to compare with"
        )
    try:
        date = _fetch_server_time(url)
    except (OSError, ValueError):
        return Finding("clock", "not compared: the server outside does not answer (see below)")
    drift = time.time() - date
    if abs(drift) > _MAX_CLOCK_DRIFT_SECONDS:
        return make_error(
            "clock", f"off by {drift:+.0f} s against {url}", "set it, best by NTP (timedatectl)"
        )
    return Finding("clock", f"right to within {max(abs(drift), 1):.0f} s")


def _fetch_server_time(url: str) -> float:
    """Return the Date header of the server as Unix time, whatever the status is."""
    request = urllib.request.Request(url, method="HEAD")  # noqa: S310 - http(s) URLs of the settings
    try:
        with urllib.request.urlopen(request, timeout=5) as response:  # noqa: S310 - the same
            date = response.headers["Date"]
    except urllib.error.HTTPError as error:
        with error:
            date = error.headers["Date"]
    return email.utils.parsedate_to_datetime(date or "").timestamp()
