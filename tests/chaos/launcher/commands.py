"""The commands of `manage.py` for a suite whose services are started by a launcher of the tests.

A launcher is a module with `prepare(service)`, called before the main module of a service is
imported, and `run(service, module)`, called in the process that becomes the service.
"""

import os
import sys
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

from control.cli import main
from control.context import Context
from control.local import process_runner
from control.services import SERVICES, Service
from control.terminal import Terminal
from tests.chaos.launcher.fork_server import IS_SUPPORTED, ForkServers

UNLAUNCHED_SERVICES = ("migrate", "sandbox")
"""`migrate` is a task that ends, and the sandbox is not under test."""
PREFORKED_SERVICES = ("rest_service", "assistant", "tg_bot", "cron_service")
"""Services that are restarted often; fork_server.py makes their start cheap."""


def run_command(root: Path, entry: Path, launcher: str) -> int:
    """Run the command in `sys.argv`, and return its exit status."""

    def use_launcher(service: Service) -> Service:
        if service.name in UNLAUNCHED_SERVICES:
            return service
        flag, module = service.arguments
        assert flag == "-m"
        return replace(service, arguments=("-m", launcher, service.name, module))

    context = Context(
        root=root,
        manage_script=entry,
        environ=dict(os.environ),
        terminal=Terminal.from_stream(),
        services=tuple(map(use_launcher, SERVICES)),
        python_override=Path(sys.executable),
    )
    with ExitStack() as stack:
        if IS_SUPPORTED and sys.argv[1] == "supervise":
            modules = {
                service.name: service.arguments[1]
                for service in SERVICES
                if service.name in PREFORKED_SERVICES
            }
            servers = stack.enter_context(closing(ForkServers(launcher, modules, root)))
            process_runner.spawn = servers.spawn  # type: ignore[attr-defined] # the name it imports
        return main(context=context)
