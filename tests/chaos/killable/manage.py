"""A `manage.py` whose services can be told where to die, and are started again at once."""

import os
import sys
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))  # the supervisor is started as this very file

from control.cli import main  # noqa: E402 # found by the path above
from control.context import Context  # noqa: E402 # the same
from control.local import keeper  # noqa: E402 # the same
from control.services import SERVICES, Service  # noqa: E402 # the same
from control.terminal import Terminal  # noqa: E402 # the same
from tests.chaos.killable import fork_server  # noqa: E402 # the same

SPARED = ("migrate", "sandbox")
"""A task that ends, and what stands for the world outside."""
KILLED_OFTEN = ("rest_service", "assistant", "tg_bot", "cron_service")


def killable(service: Service) -> Service:
    """Started through the launcher."""
    if service.name in SPARED:
        return service
    flag, module = service.arguments
    assert flag == "-m"
    return replace(service, arguments=("-m", "tests.chaos.killable.launch", service.name, module))


def fork_services() -> fork_server.ForkServers:
    """From now on this process, which is the supervisor, has services forked."""
    modules = {one.name: one.arguments[1] for one in SERVICES if one.name in KILLED_OFTEN}
    servers = fork_server.ForkServers(modules, ROOT)
    keeper.spawn = servers.spawn
    return servers


if __name__ == "__main__":
    keeper.FIRST_PAUSE = keeper.LONGEST_PAUSE = 0.05
    context = Context(
        root=ROOT,
        entry=Path(__file__).resolve(),
        environ=dict(os.environ),
        terminal=Terminal.of(),
        services=tuple(map(killable, SERVICES)),
        given_python=Path(sys.executable),
    )
    with ExitStack() as stack:
        if sys.argv[1] == "supervise" and fork_server.IS_POSSIBLE:
            stack.enter_context(closing(fork_services()))
        sys.exit(main(context=context))
