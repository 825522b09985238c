"""What runs: one line per service."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from control import variables


@dataclass(frozen=True)
class Service:
    """A process of ours that Python runs from the repository's root."""

    name: str
    arguments: tuple[str, ...]
    """What follows `python`."""
    variables: tuple[str, ...]
    """What it may see; `A=B` gives it our B under the name A."""
    port: str | None = None
    """The variable of the port where it answers /health; None: a task that ends."""
    after: tuple[str, ...] = ("redis",)
    """What must be ready before it starts. Everything else it waits for by itself."""
    outside: bool = False
    """Speaks with servers beyond this machine, so it needs to know of a proxy."""
    replicable: bool = False
    """Several processes of it may share the work."""
    shares_port: bool = False
    """Others look for it at its port, so its replicas listen there together; where one of them
    answers for itself is `<NAME>_OWN_PORT`."""


DATABASES = ("postgres", "redis")
"""What the services stand on."""

WITH_SCHEMA = "rest_service"
"""The only one that opens the database."""

ALEMBIC = ("-m", "alembic", "-c", "rest_service/alembic.ini")

SERVICES = (
    Service(
        "migrate",
        (*ALEMBIC, "upgrade", "head"),
        variables.MIGRATE,
        after=("postgres",),
    ),
    Service(
        "rest_service",
        ("-m", "rest_service.app.main"),
        variables.REST_SERVICE,
        port="REST_SERVICE_PORT",
        after=("redis", "migrate"),
        outside=True,
        replicable=True,
        shares_port=True,
    ),
    Service(
        "google_calendar_service",
        ("-m", "google_calendar_service.src.main"),
        variables.GOOGLE_CALENDAR_SERVICE,
        port="GOOGLE_CALENDAR_SERVICE_PORT",
        outside=True,
    ),
    Service(
        "assistant",
        ("-m", "assistant.src.main"),
        variables.ASSISTANT,
        port="ASSISTANT_PORT",
        outside=True,
        replicable=True,
    ),
    Service(
        "cron_service",
        ("-m", "cron_service.app.main"),
        variables.CRON_SERVICE,
        port="CRON_SERVICE_PORT",
        replicable=True,
    ),
    Service(
        "tg_bot", ("-m", "tg_bot.src.main"), variables.TG_BOT, port="TG_BOT_PORT", outside=True
    ),
    Service("sandbox", ("-m", "sandbox.main"), variables.SANDBOX, port="SANDBOX_PORT", after=()),
)


def names(table: Iterable[Service]) -> tuple[str, ...]:
    """What an operator may name, whatever the settings: all that does not end by itself."""
    return (*DATABASES, *(item.name for item in table if item.port))


def replicable(table: Iterable[Service]) -> tuple[str, ...]:
    """Those that may have replicas."""
    return tuple(item.name for item in table if item.replicable)


def with_needs(table: Sequence[Service], wanted: Iterable[str]) -> frozenset[str]:
    """These and what must be ready before them; the table has each after what it needs."""
    meant = set(wanted)
    for item in reversed(table):
        if item.name in meant:
            meant.update(item.after)
    return frozenset(meant)
