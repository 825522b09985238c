"""The parts of a suite in local mode."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from control import health
from control.errors import ControlError
from control.local import postgres, valkey
from control.local.part import DATABASE_PATIENCE, Part
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

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        return (*self._databases(), *self._services())

    @cached_property
    def run(self) -> RunDirectory:
        return RunDirectory(self.settings.state_dir)

    def part(self, name: str) -> Part:
        """The part of a name that an operator may say; raises ControlError where it is not ours."""
        found = [part for part in self.parts if part.name == name]
        if not found:
            raise ControlError(f"{name} does not run with these settings")
        return found[0]

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
            port=("POSTGRES_PORT", port),
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
            port=("REDIS_PORT", port),
        )

    def _services(self) -> Iterable[Part]:
        for service in self.settings.services(self.table):
            launch = Launch(
                (str(self.python), *service.arguments),
                self.settings.environment_of(service),
                self.settings.root,
            )
            if service.port is None:
                yield Part(service.name, "task", launch.itself, after=service.after)
                continue
            port = self.settings.port(service.port)
            yield Part(
                service.name,
                "service",
                launch.itself,
                health=partial(health.of_service, port),
                after=service.after,
                port=(service.port, port),
            )
