"""Local mode: the implementation of the commands for processes."""

import argparse
import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import ClassVar

from control import environment, health, replicas, start_messages
from control.errors import ControlError
from control.finding import Finding
from control.local import (
    logs,
    postgres,
    postgres_system_folder,
    remove,
    start,
    status,
    suite_changes,
    test,
)
from control.local.run_directory import RunDirectory
from control.local.shutdown import shut_down
from control.local.suite import Suite
from control.mode import LogSource, Mode, ModeName, RemovableData, RunAlembic
from control.services import ALEMBIC


class LocalMode(Mode):
    """Runs the suite as processes under a supervisor."""

    name: ClassVar[ModeName] = "local"

    def is_available(self) -> bool:
        return True

    def is_running(self) -> bool:
        # processes continue if their supervisor is killed
        return bool(self._run_directory.find_supervisor() or self._run_directory.find_processes())

    def start(
        self, services: Iterable[str] = (), replicas: Mapping[str, int] | None = None
    ) -> bool:
        self._check_paths()
        self._warn_about_orphaned_databases()
        return start.bring_up(self.context, services, replicas)

    def stop(self) -> bool:
        return shut_down(self._run_directory, self.context.terminal)

    def stop_services(self, services: Sequence[str]) -> bool:
        if self._run_directory.find_supervisor() is None:
            return False
        suite_changes.stop_services(self.context, self._load_suite(), services)
        return True

    def restart_services(self, services: Sequence[str]) -> bool:
        if self._run_directory.find_supervisor() is None:
            raise ControlError("nothing runs: ./manage.py start")
        return suite_changes.restart_services(self.context, self._load_suite(), services)

    def rebuild(self, services: Sequence[str]) -> bool:
        """With services, only update the environment that all of them share, then restart these."""
        if services:
            self.context.virtualenv.ensure()
            is_supervised = self._run_directory.find_supervisor() is not None
            return not is_supervised or self.restart_services(services)
        was_running = self.stop()
        self.context.virtualenv.rebuild()
        if not was_running:
            return True
        start_messages.prepare_environment(self.context, self.name)
        return start.bring_up(self.context)

    def list_running_services(self) -> frozenset[str]:
        if self._run_directory.find_supervisor() is None:
            return frozenset()
        states = self._run_directory.read_desired_states().items()
        return frozenset(replicas.parse_service_name(name) for name, it in states if it.should_run)

    def find_service_problems(self, services: Sequence[str]) -> Iterator[tuple[str, str]]:
        counts = replicas.read(self.context.state_dir, self.context.services)
        for service in (it for it in self.context.services if it.name in services):
            for number in range(1, counts.get(service.name, 1) + 1):
                port = self.context.settings.process_port(service, number)
                yield service.name, _describe_problem(health.check_service(port))

    def show_status(self, services: Sequence[str]) -> bool:
        return status.show_suite(self.context, self._load_suite(), services)

    def diagnose(self) -> Iterator[Finding]:
        return status.check_processes(self.context)

    def open_logs(self, services: Sequence[str]) -> LogSource:
        return logs.open_logs(self._run_directory.logs, services)

    @contextmanager
    def provide_database(self) -> Iterator[RunAlembic]:
        environment.ensure_secrets(self.context.root, self.context.environ)
        suite = Suite.from_context(self.context, self.context.ensure_python())
        if suite.settings.has_external_postgres or suite.run_directory.find_supervisor():
            yield partial(_run_alembic, suite)
            return
        failures = start.start(self.context, suite, ["postgres"])
        try:
            if failures:
                raise ControlError(f"the database does not start: {failures[0].reason}")
            yield partial(_run_alembic, suite)
        finally:
            self.stop()

    def find_removable_data(self, *, is_confirmed: bool) -> RemovableData | None:
        del is_confirmed  # STATE_DIR belongs to this suite for certain
        return remove.find_removable_data(self.context)

    def run_tests(self, options: argparse.Namespace) -> int:
        return test.run(self.context, options)

    @property
    def _run_directory(self) -> RunDirectory:
        return RunDirectory(self.context.state_dir)

    def _load_suite(self) -> Suite:
        return Suite.from_context(self.context, self.context.virtualenv.python)

    def _check_paths(self) -> None:
        """Check what PostgreSQL uses; root keeps its files elsewhere."""
        if os.geteuid() != 0 and not self.context.settings.has_external_postgres:
            for path in (self.context.virtualenv.path, self.context.state_dir):
                postgres.check_path(path)

    def _warn_about_orphaned_databases(self) -> None:
        if os.geteuid() != 0:
            return
        # STATE_DIR may have been moved
        postgres_system_folder.repair_database_folder(self.context.state_dir)
        for database in postgres_system_folder.find_databases():
            if database.is_orphaned:
                warning = ": ".join(postgres_system_folder.describe_orphan(database))
                self.context.terminal.print_warning(warning)


def _describe_problem(status: health.HealthStatus) -> str:
    if status.is_healthy:
        return ""
    is_absent = status.detail.startswith("does not listen")
    return "is not running" if is_absent else f"is unhealthy ({status.detail})"


def _run_alembic(suite: Suite, *arguments: str) -> int:
    migrate = next(service for service in suite.table if service.name == "migrate")
    return subprocess.run(
        (str(suite.python), *ALEMBIC, *arguments),
        cwd=suite.settings.root,
        env=suite.settings.build_environment(migrate),
    ).returncode
