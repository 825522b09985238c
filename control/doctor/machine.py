"""Checks of Python, Docker, memory, disk, clock and ports."""

import argparse
import email.utils
import platform
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterable

from control import health, machine_requirements, mode_selection, requirements
from control.context import Context
from control.docker import engine
from control.finding import Finding, make_error, make_warning
from control.http_client import strip_credentials
from control.local import preflight
from control.local.run_directory import RunDirectory
from control.machine_requirements import MachineFacts, format_gigabytes

_LOW_FREE_BYTES = 2 * 1024**3
_MAX_CLOCK_DRIFT_SECONDS = 30.0
"""Seconds by which the clock may be wrong. Tokens and reminders tolerate no more."""


def check(context: Context, options: argparse.Namespace) -> Iterable[Finding]:
    found = context.inspect_machine(context.root)
    docker_error = engine.find_availability_error(context.environ)
    mode = mode_selection.find_selected_mode(context, options) or (
        "local" if docker_error else "docker"
    )
    findings = [_build_python_finding("enough for Docker mode")]
    if mode == "local":
        findings = [*_check_local_mode(context, found)]
    yield from findings
    yield Finding("Docker", docker_error or "an engine and Compose v2 answer")
    if not any(finding.subject == "disk" for finding in findings):
        yield _check_disk(context)
    yield _check_clock(context)


def check_ports(context: Context) -> Iterable[Finding]:
    """Compare /health with the name of the service. Databases are covered by `status`."""
    settings = context.settings
    is_started = mode_selection.read_last_mode(context.state_dir) == "docker"
    is_started = is_started or RunDirectory(context.state_dir).find_supervisor() is not None
    has_conflict = False
    for service in settings.select_services(context.services):
        if service.port is None:
            continue
        port = settings.get_port(service.port)
        is_used = bool(preflight.find_bind_error(port))
        is_service = is_used and health.identify_service(port) == service.name
        if is_used and not (is_service and is_started):
            has_conflict = True
            user = "the suite of another folder" if is_service else "another program"
            advice = f"end it, or set {service.port} to another port"
            yield make_error("ports", f"{service.port}={port} is used by {user}", advice)
    if not has_conflict:
        yield Finding("ports", "each is free, or ours")


def _check_local_mode(context: Context, found: MachineFacts) -> Iterable[Finding]:
    unmet = [
        *machine_requirements.check_loopback(found),
        *machine_requirements.check_can_execute(found),
    ]
    files = requirements.runtime_files(context.root)
    if context.virtualenv.has_runtime_packages or requirements.are_installed(files):
        yield _build_python_finding("with everything that is pinned")
    elif context.virtualenv.is_usable:
        yield _build_python_finding("the next start installs what has changed")
    else:
        unmet += context.virtualenv.find_rebuild_obstacles()
        if not any(finding.subject == "Python" for finding in unmet):
            yield _build_python_finding("local mode installs the rest at its first start")
    yield from unmet
    yield from machine_requirements.check_memory(found)


def _build_python_finding(detail: str) -> Finding:
    return Finding("Python", f"Python {platform.python_version()}, {detail}")


def _check_disk(context: Context) -> Finding:
    place = next(path for path in (context.state_dir, *context.state_dir.parents) if path.exists())
    free = shutil.disk_usage(place).free
    message = f"{format_gigabytes(free)} free for {context.shorten_path(context.state_dir)}"
    if free < preflight.MIN_FREE_BYTES:
        advice = "make room: without it the databases stop"
        return make_error("disk", message, advice)
    if free < _LOW_FREE_BYTES:
        return make_warning("disk", message, "make room soon: 2 GB leave room for logs and backups")
    return Finding("disk", message)


def _check_clock(context: Context) -> Finding:
    """Compare the clock with that of the external server that the suite depends on."""
    url = strip_credentials(context.settings.external_url or "")
    if not url:
        now = time.strftime("%Y-%m-%d %H:%M:%S %Z")
        return Finding("clock", f"{now}; no external server to compare with")
    try:
        date = _fetch_server_time(url)
    except (OSError, ValueError):
        return Finding("clock", "not compared: the server outside does not answer (see below)")
    drift = time.time() - date
    if abs(drift) > _MAX_CLOCK_DRIFT_SECONDS:
        problem = f"off by {drift:+.0f} s against {url}"
        return make_error("clock", problem, "set it, best by NTP (timedatectl)")
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
