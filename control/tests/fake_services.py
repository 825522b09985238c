"""The services of a fake suite."""

from collections.abc import Mapping
from pathlib import Path

from control import variables
from control.services import Service

PROGRAM = str(Path(__file__).with_name("fake_service.py"))


def build_services(behaviours: Mapping[str, str]) -> tuple[Service, ...]:
    """Each does well what is its own, unless it is to behave otherwise: see fake_service.py."""

    def build_service(
        name: str,
        port: str | None,
        seen: tuple[str, ...],
        after: tuple[str, ...],
        *,
        is_shared: bool = False,
    ) -> Service:
        behaviour = behaviours.get(name, "healthy" if port else "task")
        return Service(
            name,
            ("-I", "-S", PROGRAM, port or "-", behaviour),  # it needs no packages: begins at once
            seen,
            port=port,
            depends_on=after,
            is_replicable=is_shared,
            has_shared_port=is_shared,
        )

    rest = variables.REST_SERVICE
    return (
        build_service("migrate", None, rest, ("postgres",)),
        build_service(
            "rest_service", "REST_SERVICE_PORT", rest, ("redis", "migrate"), is_shared=True
        ),
        build_service("tg_bot", "TG_BOT_PORT", variables.TG_BOT, ("redis",)),
        build_service("sandbox", "SANDBOX_PORT", variables.SANDBOX, ()),
    )


SERVICES = build_services({})
