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
    depends_on: tuple[str, ...] = ("redis",)
    """What must be ready before it starts. Everything else it waits for by itself."""
    needs_proxy: bool = False
    """Speaks with servers beyond this machine, so it needs to know of a proxy."""
    is_replicable: bool = False
    """Several processes of it may share the work."""
    has_shared_port: bool = False
    """Others look for it at its port, so its replicas listen there together; where one of them
    answers for itself is `<NAME>_OWN_PORT`."""


DATABASES = ("postgres", "redis")
"""What the services stand on."""

SCHEMA_OWNER = "rest_service"
"""The only one that opens the database."""

ALEMBIC = ("-m", "alembic", "-c", "rest_service/alembic.ini")

SERVICES = (
    Service(
        "migrate",
        (*ALEMBIC, "upgrade", "head"),
        variables.MIGRATE,
        depends_on=("postgres",),
    ),
    Service(
        "rest_service",
        ("-m", "rest_service.app.main"),
        variables.REST_SERVICE,
        port="REST_SERVICE_PORT",
        depends_on=("redis", "migrate"),
        needs_proxy=True,
        is_replicable=True,
        has_shared_port=True,
    ),
    Service(
        "google_calendar_service",
        ("-m", "google_calendar_service.src.main"),
        variables.GOOGLE_CALENDAR_SERVICE,
        port="GOOGLE_CALENDAR_SERVICE_PORT",
        needs_proxy=True,
    ),
    Service(
        "assistant",
        ("-m", "assistant.src.main"),
        variables.ASSISTANT,
        port="ASSISTANT_PORT",
        needs_proxy=True,
        is_replicable=True,
    ),
    Service(
        "cron_service",
        ("-m", "cron_service.app.main"),
        variables.CRON_SERVICE,
        port="CRON_SERVICE_PORT",
        is_replicable=True,
    ),
    Service(
        "tg_bot", ("-m", "tg_bot.src.main"), variables.TG_BOT, port="TG_BOT_PORT", needs_proxy=True
    ),
    Service(
        "sandbox", ("-m", "sandbox.main"), variables.SANDBOX, port="SANDBOX_PORT", depends_on=()
    ),
)


def list_names(table: Iterable[Service]) -> tuple[str, ...]:
    """What an operator may name, whatever the settings: all that does not end by itself."""
    return (*DATABASES, *(item.name for item in table if item.port))


def list_replicable(table: Iterable[Service]) -> tuple[str, ...]:
    """Those that may have replicas."""
    return tuple(item.name for item in table if item.is_replicable)


def resolve_dependencies(table: Sequence[Service], wanted: Iterable[str]) -> frozenset[str]:
    """These and what must be ready before them; the table has each after what it needs."""
    resolved = set(wanted)
    for item in reversed(table):
        if item.name in resolved:
            resolved.update(item.depends_on)
    return frozenset(resolved)
