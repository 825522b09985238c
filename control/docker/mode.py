"""Docker mode: the implementation of the commands for containers."""

import argparse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import ClassVar

from control import environment, mode_selection, start_messages
from control.docker import engine, plain_compose, remove, start, status, test
from control.docker.compose import Compose
from control.docker.logs import ContainerLogs
from control.docker.readiness import ContainerReadinessWaiter
from control.errors import ControlError
from control.finding import Finding
from control.mode import LogSource, Mode, ModeName, RemovableData, RunAlembic
from control.services import ALEMBIC

_MIGRATIONS_DIR = "rest_service/alembic/versions"


class DockerMode(Mode):
    """Runs the suite with `docker compose`."""

    name: ClassVar[ModeName] = "docker"

    def is_available(self) -> bool:
        return not engine.find_availability_error(self.context.environ)

    def is_running(self) -> bool:
        containers = Compose.from_context(self.context).list_containers()
        return any(container.state == "running" for container in containers)

    def ensure_other_mode_stopped(self) -> None:
        if mode_selection.load("local", self.context).is_running():
            advice = "./manage.py stop --local first"
            raise ControlError(f"this folder's suite runs in local mode: {advice}")

    def ensure_manageable(self) -> None:
        plain_compose.ensure_not_running(self.context)

    def start(
        self, services: Iterable[str] = (), replicas: Mapping[str, int] | None = None
    ) -> bool:
        compose = Compose.from_context(self.context, replicas)
        return start.bring_up(self.context, compose, services)

    def stop(self) -> bool:
        compose = Compose.from_context(self.context)
        if not compose.list_containers():
            return False
        with self.context.terminal.step("stop"):
            compose.remove_containers()
        return True

    def stop_services(self, services: Sequence[str]) -> bool:
        compose = Compose.from_context(self.context)
        if not compose.list_containers():
            return False
        with self.context.terminal.step(f"stop {', '.join(services)}"):
            compose.stop(services)
        return True

    def restart_services(self, services: Sequence[str]) -> bool:
        environment.ensure_secrets(self.context.root, self.context.environ)
        compose = Compose.from_context(self.context)
        if not compose.list_containers():
            raise ControlError("nothing runs: ./manage.py start")
        return not start.up(self.context, compose, tuple(services), recreate=True)

    def rebuild(self, services: Sequence[str]) -> bool:
        """Build images without the cache; running services are recreated from the new ones."""
        start_messages.prepare_environment(self.context, self.name)
        compose = Compose.from_context(self.context)
        with self.context.terminal.step("images", "(from scratch: minutes)"):
            start.build(self.context, compose, "--no-cache", *services)
        if not compose.list_containers():
            return True
        return start.bring_up(self.context, compose, services)

    def list_running_services(self) -> frozenset[str]:
        containers = Compose.from_context(self.context).list_containers()
        running = (it for it in containers if it.state in ("running", "restarting"))
        return frozenset(container.service for container in running)

    def find_service_problems(self, services: Sequence[str]) -> Iterator[tuple[str, str]]:
        compose = Compose.from_context(self.context)
        for container in (it for it in compose.list_containers() if it.service in services):
            problem = "" if container.is_healthy else "is not running"
            if problem and container.state == "running":
                problem = f"is unhealthy ({compose.explain_unhealthy(container)})"
            yield container.service, problem

    def show_status(self, services: Sequence[str]) -> bool:
        return status.show(self.context.terminal, Compose.from_context(self.context), services)

    def diagnose(self) -> Iterator[Finding]:
        return status.check_containers(self.context)

    def open_logs(self, services: Sequence[str]) -> LogSource:
        logs = ContainerLogs(Compose.from_context(self.context), services)
        return LogSource(logs.names, logs.read_last, logs.follow)

    @contextmanager
    def provide_database(self) -> Iterator[RunAlembic]:
        plain_compose.ensure_not_running(self.context)
        start_messages.prepare_environment(self.context, self.name)
        compose = Compose.from_context(self.context)
        with self.context.terminal.step("image"):
            start.build(self.context, compose, "migrate")
        waiter = ContainerReadinessWaiter(compose, self.context.terminal, with_dependencies=False)
        failures = start.start_postgres(compose, waiter)
        start_messages.report_failures(self.context, failures, outlook="")
        if failures:
            raise ControlError("the database does not start")
        yield partial(_run_alembic, compose)

    def find_removable_data(self, *, is_confirmed: bool) -> RemovableData | None:
        return remove.find_removable_data(self.context, is_confirmed=is_confirmed)

    def run_tests(self, options: argparse.Namespace) -> int:
        return test.run(self.context, options)


def _run_alembic(compose: Compose, *arguments: str) -> int:
    folder = compose.root / _MIGRATIONS_DIR
    mount: tuple[str, ...] = ()
    if arguments[0] == "revision":
        # the container has no capabilities: even root may write there only as the folder's owner
        owner = folder.stat()
        user = f"{owner.st_uid}:{owner.st_gid}"
        mount = ("--volume", f"{folder}:/app/{_MIGRATIONS_DIR}", "--user", user)
    return compose.run("run", "--rm", *mount, "migrate", *ALEMBIC[1:], *arguments)
