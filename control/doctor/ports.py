"""Whether each port is ours or free."""

from collections.abc import Iterable

from control import health, modes, ports
from control.context import Context
from control.doctor.finding import Finding, wrong
from control.local.run_directory import RunDirectory


def check(context: Context) -> Iterable[Finding]:
    """Services of ours say so at /health; the databases are asked by `status`."""
    settings = context.settings
    is_started = modes.remembered(context.state_dir) == "docker"
    is_started = is_started or RunDirectory(context.state_dir).supervisor() is not None
    taken = []
    for service in settings.services(context.services):
        if service.port is None:
            continue
        port = settings.port(service.port)
        is_used = bool(ports.problem(port))
        is_service = is_used and health.name_at(port) == service.name
        if is_used and not (is_service and is_started):
            taken.append(f"{service.port}={port}")
            user = "the suite of another folder" if is_service else "another program"
            yield wrong(
                "ports",
                f"{service.port}={port} is used by {user}",
                f"end it, or set {service.port} to another port",
            )
    if not taken:
        yield Finding("ports", "each is free, or ours")
