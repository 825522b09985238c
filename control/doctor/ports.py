"""Checks whether each port is free or used by this suite."""

from collections.abc import Iterable

from control import health, modes
from control.context import Context
from control.finding import Finding, make_error
from control.local import preflight
from control.local.run_directory import RunDirectory


def check(context: Context) -> Iterable[Finding]:
    """Compare /health with the name of the service. Databases are covered by `status`."""
    settings = context.settings
    is_started = modes.read_last_mode(context.state_dir) == "docker"
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
