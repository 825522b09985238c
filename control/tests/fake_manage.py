"""`manage.py` of a suite whose services are fakes: behaviours are in FAKE_BEHAVIOURS, as JSON."""

import json
import os
import sys
from pathlib import Path

from control import variables
from control.cli import main
from control.context import Context
from control.services import Service
from control.terminal import Terminal

FAKE = str(Path(__file__).with_name("fake_service.py"))
BEHAVIOURS = json.loads(os.environ.get("FAKE_BEHAVIOURS", "{}"))


def fake(
    name: str,
    port: str | None,
    seen: tuple[str, ...],
    after: tuple[str, ...],
    *,
    replicable: bool = False,
    shares_port: bool = False,
) -> Service:
    behaviour = BEHAVIOURS.get(name, "well" if port else "task")
    arguments = (FAKE, port or "-", behaviour)
    return Service(
        name,
        arguments,
        seen,
        port=port,
        after=after,
        replicable=replicable,
        shares_port=shares_port,
    )


SERVICES = (
    fake("migrate", None, variables.REST_SERVICE, ("postgres",)),
    fake(
        "rest_service",
        "REST_SERVICE_PORT",
        variables.REST_SERVICE,
        ("redis", "migrate"),
        replicable=True,
        shares_port=True,
    ),
    fake("tg_bot", "TG_BOT_PORT", variables.TG_BOT, ("redis",)),
    fake("sandbox", "SANDBOX_PORT", variables.SANDBOX, ()),
)

if __name__ == "__main__":
    sys.exit(
        main(
            context=Context(
                root=Path(os.environ["FAKE_ROOT"]),
                entry=Path(__file__).resolve(),
                environ=dict(os.environ),
                terminal=Terminal.of(),
                services=SERVICES,
                given_python=Path(os.environ.get("FAKE_PYTHON", sys.executable)),
            )
        )
    )
