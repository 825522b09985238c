"""Runs `docker compose` for a suite."""

import json
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from control import exit_reasons, replicas
from control.context import Context
from control.credentials import build_password_statement
from control.docker import engine, scale, timeouts
from control.docker.compose_process import ComposeProcess
from control.docker.container import Container, is_one_off
from control.errors import ControlError
from control.file_lock import FileLock
from control.services import Service
from control.settings import Settings
from control.terminal import Terminal

_POLL_SECONDS = 0.1
_MAX_RETRIES = 4


@dataclass(frozen=True)
class Compose:
    """The Compose project of a suite."""

    root: Path
    environ: Mapping[str, str]
    """The process environment, which determines the engine."""
    settings: Settings
    table: tuple[Service, ...]
    requested_replicas: Mapping[str, int]

    @classmethod
    def from_context(
        cls, context: Context, requested: Mapping[str, int] | None = None
    ) -> "Compose":
        """Raises ControlError if there is no engine."""
        engine.ensure_available(context.environ)
        settings, table = context.compose_settings, context.services
        return cls(context.root, context.environ, settings, table, requested or {})

    @contextmanager
    def locked_replica_counts(self, terminal: Terminal) -> Iterator[dict[str, int]]:
        """Store and yield the replica counts; no other command creates containers meanwhile."""
        state_dir = self.settings.state_dir
        while (lock := FileLock.try_acquire(state_dir / "containers.lock")) is None:
            terminal.show_waiting("… another ./manage.py is making containers")
            time.sleep(_POLL_SECONDS)
        with lock:
            counts = replicas.read(state_dir, self.table) | dict(self.requested_replicas)
            replicas.save(state_dir, counts)
            if self.settings.has_external_postgres:
                counts["postgres"] = 0
            if self.settings.has_external_redis:
                counts["redis"] = 0
            yield counts

    def run(self, *arguments: str) -> int:
        """Run a command in the foreground. Return its exit status."""
        command = self._build_command(arguments)
        return subprocess.run(command, env=self._environment, cwd=self.root).returncode

    def start_process(self, *arguments: str) -> ComposeProcess:
        """Start a command in the background; its output is appended to `docker.log`."""
        command = self._build_command(("--progress=plain", *arguments))
        log = self.settings.state_dir / "logs" / "docker.log"
        return ComposeProcess(command, self._environment, self.root, arguments[0], log)

    def capture(
        self, *arguments: str, stdin: str = "", timeout: float = timeouts.COMMAND_TIMEOUT_SECONDS
    ) -> str:
        """Return the output of a command. Raises ControlError if it fails or takes too long."""
        name = f"docker compose {arguments[0]}"
        try:
            done = subprocess.run(
                self._build_command(arguments),
                env=self._environment,
                cwd=self.root,
                input=stdin,
                capture_output=True,
                text=True,
                timeout=timeout,
            )
        except subprocess.TimeoutExpired as error:
            raise ControlError(f"{name} does not answer within {timeout:g} s") from error
        if done.returncode:
            error_lines = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
            raise ControlError(f"{name}: {error_lines[-1]}")
        return done.stdout

    def remove_containers(self) -> None:
        """Remove all containers, including those of services that these settings do not use."""
        options = ("--profile", "*", "down", "--remove-orphans")
        self.capture(*options, timeout=timeouts.STOP_TIMEOUT_SECONDS)

    def stop(self, services: Iterable[str]) -> None:
        names = scale.with_replica_services(services)
        self.capture("stop", *names, timeout=timeouts.STOP_TIMEOUT_SECONDS)

    def get_project_name(self) -> str:
        return str(json.loads(self.capture("config", "--format", "json"))["name"])

    def set_database_password(self) -> None:
        """Set the password in a running PostgreSQL: its image only does so in a new database."""
        command = ("exec", "--no-TTY", "postgres", "psql", "--quiet", "-U", "smart_assistant")
        statement = build_password_statement(self.settings.values["POSTGRES_PASSWORD"])
        self.capture(*command, stdin=statement)

    def list_containers(self) -> list[Container]:
        """Return all containers, including stopped ones."""
        facts = engine.inspect_containers(self.environ, self._list_container_ids())
        found = [Container.from_inspect_result(it) for it in facts if not is_one_off(it)]
        return sorted(found, key=lambda it: (it.service, it.number))

    def _list_container_ids(self) -> list[str]:
        """Retry, because `docker compose ps` fails if a container disappears meanwhile."""
        for _ in range(_MAX_RETRIES):
            try:
                return self.capture("ps", "--all", "--quiet").split()
            except ControlError as error:
                if not engine.is_not_found_error(str(error)):
                    raise
        return self.capture("ps", "--all", "--quiet").split()

    def explain_unhealthy(self, container: Container, others: Iterable[Container] = ()) -> str:
        """Return the answer of the health check, why it ended, or the last line of the log.

        For a container that was never started: which of `others` it waits for.
        """
        if container.health_error:
            return container.health_error
        if container.state == "created":
            needs = container.describe_unmet_dependencies(others)
            return container.error or needs or "has not started"
        log = engine.read_log(self.environ, container.id)
        if container.has_exited:
            return exit_reasons.describe_exit(container.exit_status, container.error or log)
        if container.state != "running":
            return f"is {container.state}"
        reason = "still runs" if container.is_task else "does not answer"
        if container.is_starting and container.restarts:
            reason = f"has ended and started again (restarts: {container.restarts})"
        last_line = exit_reasons.explain_log(log)
        return f"{reason}: {last_line}" if last_line else reason

    def get_memory_usage(self, containers: Iterable[Container]) -> dict[str, int]:
        """Return the bytes that the running containers use, by id."""
        running = [it.id for it in containers if it.state == "running"]
        return engine.get_memory_usage(self.environ, running) if running else {}

    def stream_lines(self, *arguments: str) -> Iterator[str]:
        """Yield the lines of the output as they are written."""
        with subprocess.Popen(
            self._build_command(arguments),
            env=self._environment,
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            errors="replace",
        ) as process:
            assert process.stdout is not None
            try:
                yield from process.stdout
            finally:
                process.terminate()

    @property
    def _environment(self) -> dict[str, str]:
        return {**self.environ, **self.settings.values}

    def _build_command(self, arguments: Iterable[str]) -> list[str]:
        """Name docker-compose.yml, because Compose would also read the override file beside it."""
        options = ["--file", "docker-compose.yml", "--env-file", "/dev/null"]
        if self.settings.needs_sandbox:
            options += ["--profile", "sandbox"]
        return ["docker", "compose", "--ansi=never", *options, *arguments]
