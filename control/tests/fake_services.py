"""The services of a fake suite."""

from collections.abc import Mapping
from pathlib import Path

from control.services import Service

PROGRAM = str(Path(__file__).with_name("fake_service.py"))


def build_services(behaviours: Mapping[str, str]) -> tuple[Service, ...]:
    """Return services that work normally, unless another behaviour is given: see
    fake_service.py."""

    def build_service(
        name: str,
        port: str | None,
        after: tuple[str, ...],
        *,
        is_shared: bool = False,
    ) -> Service:
        behaviour = behaviours.get(name, "healthy" if port else "task")
        return Service(
            name,
            (
                "-I",
                "-S",
                PROGRAM,
                port or "-",
                behaviour,
            ),  # starts fast, because it needs no packages
            port=port,
            depends_on=after,
            is_replicable=is_shared,
            has_shared_port=is_shared,
        )

    return (
        build_service("migrate", None, ("postgres",)),
        build_service("rest_service", "REST_SERVICE_PORT", ("redis", "migrate"), is_shared=True),
        build_service("tg_bot", "TG_BOT_PORT", ("redis",)),
        build_service("sandbox", "SANDBOX_PORT", ()),
    )


SERVICES = build_services({})
