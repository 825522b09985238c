"""The parts of a suite in local mode."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

from control import health, replicas
from control.context import Context
from control.errors import ControlError
from control.local import postgres, valkey
from control.local.part import DATABASE_PATIENCE, Part, Port
from control.local.postgres import Cluster
from control.local.process import Launch
from control.local.run_directory import RunDirectory
from control.local.valkey import Valkey
from control.local.wheels import Wheels
from control.services import Service
from control.settings import Settings


@dataclass(frozen=True)
class Suite:
    """What runs with these settings, in the order in which it is shown."""

    settings: Settings
    table: tuple[Service, ...]
    python: Path
    """The interpreter of the services, with everything they need installed."""
    replicas: Mapping[str, int]
    """How many processes a service has, where it is not one."""
    asked: Mapping[str, int]
    """What this command says of them."""

    @classmethod
    def of(cls, context: Context, python: Path, asked: Mapping[str, int] | None = None) -> "Suite":
        """With as many replicas as were asked for, now or earlier."""
        told = asked or {}
        counts = replicas.read(context.state_dir, context.services) | dict(told)
        return cls(context.settings, context.services, python, counts, told)

    def anew(self) -> "Suite":
        """The same after what other commands have asked for meanwhile."""
        kept = replicas.read(self.settings.state_dir, self.table)
        return replace(self, replicas=kept | dict(self.asked))

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        return (*self._databases(), *self._services())

    @cached_property
    def run(self) -> RunDirectory:
        return RunDirectory(self.settings.state_dir)

    def named(self, services: Iterable[str]) -> tuple[str, ...]:
        """All parts of some services; raises ControlError where one does not run."""
        names: list[str] = []
        for service in services:
            found = [part.name for part in self.parts if part.service == service]
            if not found:
                raise ControlError(f"{service} does not run with these settings")
            names += found
        return tuple(names)

    def wanted(self, services: Iterable[str]) -> frozenset[str]:
        """All parts of some services, or of all, with what they need."""
        return self.with_needs(self.named(services) or [part.name for part in self.parts])

    def keep_replicas(self) -> None:
        """Let the commands and the supervisor know of them."""
        replicas.keep(self.settings.state_dir, self.replicas)

    def with_needs(self, names: Iterable[str]) -> frozenset[str]:
        """The parts of these names and all that must be ready before them."""
        by_name = {part.name: part for part in self.parts}
        wanted: set[str] = set()
        queue = list(names)
        while queue:
            name = queue.pop()
            if name in by_name and name not in wanted:
                wanted.add(name)
                queue.extend(by_name[name].after)
        return frozenset(wanted)

    @cached_property
    def _wheels(self) -> Wheels:
        return Wheels.of(self.python)

    def _databases(self) -> Iterable[Part]:
        if not self.settings.own_postgres:
            yield self._postgres()
        if not self.settings.own_redis:
            yield self._redis()

    def _postgres(self) -> Part:
        port = self.settings.port("POSTGRES_PORT")

        def cluster() -> Cluster:
            password = self.settings.values["POSTGRES_PASSWORD"]
            return Cluster(self.settings.state_dir, self._wheels.postgres, port, password)

        return Part(
            "postgres",
            "database",
            launch=lambda: cluster().launch(),
            health=partial(postgres.health, port),
            stop_signal=postgres.STOP_SIGNAL,
            patience=DATABASE_PATIENCE,
            ports=(Port("POSTGRES_PORT", port),),
        )

    def _redis(self) -> Part:
        port = self.settings.port("REDIS_PORT")
        password = self.settings.values["REDIS_PASSWORD"]
        return Part(
            "redis",
            "database",
            launch=lambda: Valkey(
                self.settings.state_dir, self._wheels.valkey, port, password
            ).launch(),
            health=partial(valkey.health, port, password),
            patience=DATABASE_PATIENCE,
            ports=(Port("REDIS_PORT", port),),
        )

    def _services(self) -> Iterable[Part]:
        for service in self.settings.services(self.table):
            for number in range(1, self.replicas.get(service.name, 1) + 1):
                yield self._process(service, number)

    def _process(self, service: Service, number: int) -> Part:
        launch = Launch(
            (str(self.python), *service.arguments),
            self.settings.environment_of(service, number),
            self.settings.root,
        )
        name = replicas.name(service.name, number)
        if service.port is None:
            return Part(name, "task", launch.itself, after=service.after)
        port, own = self.settings.port(service.port), self.settings.own_port(service, number)
        taken = {own, port} if number == 1 else {own}
        return Part(
            name,
            "service",
            launch.itself,
            health=partial(health.of_service, own),
            after=service.after,
            ports=tuple(Port(service.port, one, above=one - port) for one in sorted(taken)),
        )
