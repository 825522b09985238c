"""Whether each port is ours or free."""

from collections.abc import Iterable

from control import health, ports
from control.context import Context
from control.doctor.finding import Finding, wrong


def check(context: Context) -> Iterable[Finding]:
    """Services of ours say so at /health; the databases are asked by `status`."""
    settings = context.settings
    taken = []
    for service in settings.services(context.services):
        if service.port is None:
            continue
        port = settings.port(service.port)
        if ports.problem(port) and health.name_at(port) != service.name:
            taken.append(f"{service.port}={port}")
            yield wrong(
                "ports",
                f"{service.port}={port} is used by another program",
                f"end it, or set {service.port} to another port",
            )
    if not taken:
        yield Finding("ports", "each is free, or ours")
