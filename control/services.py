"""The table of services; every other list of services is derived from it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from control.variables import COMMON_VARIABLES, SERVICE_VARIABLES


@dataclass(frozen=True)
class Service:
    """A Python process, started in the root of the repository."""

    name: str
    arguments: tuple[str, ...]
    """The arguments of `python`."""
    settings: str = ""
    """`module:class` of its settings, from which control/generated_files.py takes its variables."""
    port: str | None = None
    """The variable that holds the port of /health; None for a task that ends."""
    depends_on: tuple[str, ...] = ("redis",)
    """What must be ready before it starts. A service waits for everything else by itself."""
    needs_proxy: bool = False
    """Whether it calls servers outside this machine and therefore needs the proxy's variables."""
    is_replicable: bool = False
    """Whether several processes can share its work."""
    has_shared_port: bool = False
    """Whether clients use one port of all replicas. Each also listens on `<NAME>_OWN_PORT`."""
    extra_variables: tuple[str, ...] = ()
    """Variables that its settings class does not have (yet)."""
    renamed_variables: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Variables that the process receives under another name: {name in the process: our name}."""

    @property
    def variables(self) -> Mapping[str, str]:
        """What the process receives: {name in the process: our name}."""
        return self.map_variables(SERVICE_VARIABLES.get(self.name, ()))

    def map_variables(self, own: Iterable[str]) -> dict[str, str]:
        """Return the same for these variables of its settings class."""
        names = (*COMMON_VARIABLES, *own, *self.extra_variables)
        return {name: self.renamed_variables.get(name, name) for name in names}


DATABASES = ("postgres", "redis")

SCHEMA_OWNER = "rest_service"
"""The only service that opens the database."""

ALEMBIC = ("-m", "alembic", "-c", "rest_service/alembic.ini")

SERVICES = (
    Service(
        "migrate",
        ("-m", "rest_service.app.migrate"),
        "rest_service.app.database_settings:MigrationSettings",
        depends_on=("postgres",),
    ),
    Service(
        "rest_service",
        ("-m", "rest_service.app.main"),
        "rest_service.app.config:Settings",
        port="REST_SERVICE_PORT",
        depends_on=("redis", "migrate"),
        needs_proxy=True,
        is_replicable=True,
        has_shared_port=True,
    ),
    Service(
        "google_calendar_service",
        ("-m", "google_calendar_service.src.main"),
        "google_calendar_service.src.config.settings:Settings",
        port="GOOGLE_CALENDAR_SERVICE_PORT",
        needs_proxy=True,
    ),
    Service(
        "assistant",
        ("-m", "assistant.src.main"),
        "assistant.src.config.settings:AssistantSettings",
        port="ASSISTANT_PORT",
        needs_proxy=True,
        is_replicable=True,
        extra_variables=("GOOGLE_CALENDAR_SERVICE_URL",),  # read once "Calendar" is built
    ),
    Service(
        "cron_service",
        ("-m", "cron_service.app.main"),
        "cron_service.app.config:Settings",
        port="CRON_SERVICE_PORT",
        is_replicable=True,
    ),
    Service(
        "tg_bot",
        ("-m", "tg_bot.src.main"),
        "tg_bot.src.config.settings:TgBotSettings",
        port="TG_BOT_PORT",
        needs_proxy=True,
    ),
    Service(
        "sandbox",
        ("-m", "sandbox.main"),
        "sandbox.settings:SandboxSettings",
        port="SANDBOX_PORT",
        depends_on=(),
        # never the token of the operator's own bot, and that of the API only to move the clock
        renamed_variables={
            "TELEGRAM_TOKEN": "SANDBOX_TELEGRAM_TOKEN",
            "SERVICE_API_TOKEN": "SANDBOX_SERVICE_API_TOKEN",
        },
    ),
)


def list_selectable(table: Iterable[Service]) -> tuple[str, ...]:
    """Return the names that an operator may give: databases and services, but no tasks."""
    return (*DATABASES, *(item.name for item in table if item.port))


def list_replicable(table: Iterable[Service]) -> tuple[str, ...]:
    """Return the services that can have replicas."""
    return tuple(item.name for item in table if item.is_replicable)


def resolve_dependencies(table: Sequence[Service], wanted: Iterable[str]) -> frozenset[str]:
    """Return these services and their dependencies. The table lists dependencies first."""
    resolved = set(wanted)
    for item in reversed(table):
        if item.name in resolved:
            resolved.update(item.depends_on)
    return frozenset(resolved)
