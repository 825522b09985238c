"""The components of a suite."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

from control import health, replicas
from control.context import Context
from control.errors import ControlError
from control.local import postgres, valkey
from control.local.component import DATABASE_STOP_TIMEOUT_SECONDS, Component, Port
from control.local.postgres import Cluster
from control.local.process import LaunchSpec
from control.local.run_directory import RunDirectory
from control.local.server_programs import ServerPrograms
from control.services import Service
from control.settings import Settings


@dataclass(frozen=True)
class Suite:
    """The components for some settings, in the order of the status table."""

    settings: Settings
    table: tuple[Service, ...]
    python: Path
    """The interpreter with the packages of the services."""
    replica_counts: Mapping[str, int]
    """The number of processes of services that do not have exactly one."""
    requested_replicas: Mapping[str, int]

    @classmethod
    def from_context(
        cls, context: Context, python: Path, requested: Mapping[str, int] | None = None
    ) -> "Suite":
        """Use the replica counts of this command and of earlier ones."""
        suite = cls(context.settings, context.services, python, {}, requested or {})
        return suite.with_current_replicas()

    def with_current_replicas(self) -> "Suite":
        """Return the suite with the replica counts that other commands have stored meanwhile."""
        stored = replicas.read(self.settings.state_dir, self.table)
        return replace(self, replica_counts=stored | dict(self.requested_replicas))

    @cached_property
    def components(self) -> tuple[Component, ...]:
        components = []
        if not self.settings.has_external_postgres:
            components.append(self._build_postgres())
        if not self.settings.has_external_redis:
            components.append(self._build_redis())
        for service in self.settings.select_services(self.table):
            for number in range(1, self.replica_counts.get(service.name, 1) + 1):
                components.append(self._build_service(service, number))
        return tuple(components)

    @cached_property
    def run_directory(self) -> RunDirectory:
        return RunDirectory(self.settings.state_dir)

    def component_names_for(self, services: Iterable[str]) -> tuple[str, ...]:
        """Return all components of some services. Raises ControlError for one that does not run."""
        names: list[str] = []
        for service in services:
            found = [part.name for part in self.components if part.service == service]
            if not found:
                raise ControlError(f"{service} does not run with these settings")
            names += found
        return tuple(names)

    def required_component_names_for(self, services: Iterable[str]) -> frozenset[str]:
        """Return all components of some services, or of all, and their dependencies."""
        names = frozenset(part.name for part in self.components)
        required = set(self.component_names_for(services) or names)
        for part in reversed(self.components):  # dependencies come before what needs them
            if part.name in required:
                required.update(part.depends_on)
        return names & required

    def save_replicas(self) -> None:
        """Store the replica counts for other commands and the supervisor."""
        replicas.save(self.settings.state_dir, self.replica_counts)

    @cached_property
    def _wheels(self) -> ServerPrograms:
        return ServerPrograms.locate(self.python)

    def _build_postgres(self) -> Component:
        port, values = self.settings.get_port("POSTGRES_PORT"), self.settings.values
        return Component(
            "postgres",
            "database",
            prepare_launch=lambda: Cluster(
                self.settings.state_dir, self._wheels.postgres, port, values["POSTGRES_PASSWORD"]
            ).prepare_launch(),
            check_health=partial(postgres.check_health, port),
            stop_signal=postgres.STOP_SIGNAL,
            stop_timeout=DATABASE_STOP_TIMEOUT_SECONDS,
            ports=(Port("POSTGRES_PORT", port),),
        )

    def _build_redis(self) -> Component:
        port = self.settings.get_port("REDIS_PORT")
        password = self.settings.values["REDIS_PASSWORD"]
        return Component(
            "redis",
            "database",
            prepare_launch=lambda: valkey.prepare_launch(
                self.settings.state_dir, self._wheels.valkey, port, password
            ),
            check_health=partial(valkey.check_health, port, password),
            stop_timeout=DATABASE_STOP_TIMEOUT_SECONDS,
            ports=(Port("REDIS_PORT", port),),
        )

    def _build_service(self, service: Service, number: int) -> Component:
        launch = LaunchSpec(
            (str(self.python), *service.arguments),
            self.settings.build_environment(service, number),
            self.settings.root,
        )
        name = replicas.format_replica_name(service.name, number)
        if service.port is None:
            return Component(name, "task", launch.return_self, depends_on=service.depends_on)
        port = self.settings.get_port(service.port)
        own = self.settings.process_port(service, number)
        taken = {own, port} if number == 1 else {own}
        return Component(
            name,
            "service",
            launch.return_self,
            check_health=partial(health.check_service, own),
            depends_on=service.depends_on,
            ports=tuple(Port(service.port, it, offset=it - port) for it in sorted(taken)),
        )
