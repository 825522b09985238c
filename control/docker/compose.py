"""Runs `docker compose` for a suite."""

import json
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from control import exit_reasons, replicas
from control.context import Context
from control.credentials import build_password_statement
from control.docker import container, engine, scale, timeouts
from control.docker.compose_process import ComposeProcess
from control.docker.container import Container
from control.errors import ControlError
from control.file_lock import FileLock
from control.services import Service
from control.settings import Settings
from control.terminal import Terminal

_POLL_SECONDS = 0.1
_MAX_ATTEMPTS = 5


@dataclass(frozen=True)
class Compose:
    """The Compose project of a suite."""

    root: Path
    environ: Mapping[str, str]
    """The process environment, which determines the engine."""
    settings: Settings
    table: tuple[Service, ...]
    requested_replicas: Mapping[str, int]
    """The replica counts that this command asks for."""

    @classmethod
    def from_context(
        cls, context: Context, requested: Mapping[str, int] | None = None
    ) -> "Compose":
        """Raises ControlError if there is no engine."""
        engine.ensure_available(context.environ)
        settings = context.compose_settings
        return cls(context.root, context.environ, settings, context.services, requested or {})

    def check_replicas(self) -> None:
        """Raise ControlError if the stored replica counts are invalid."""
        replicas.read(self.settings.state_dir, self.table)

    @contextmanager
    def locked_replica_counts(self, terminal: Terminal) -> Iterator[dict[str, int]]:
        """Store and yield the number of containers of each service that does not have exactly one.

        The lock prevents other commands from creating containers meanwhile.
        """
        lock = self._acquire_lock(terminal)
        try:
            counts = replicas.read(self.settings.state_dir, self.table) | dict(
                self.requested_replicas
            )
            replicas.save(self.settings.state_dir, counts)
            is_external = {
                "postgres": self.settings.has_external_postgres,
                "redis": self.settings.has_external_redis,
            }
            yield {**counts, **{name: 0 for name in is_external if is_external[name]}}
        finally:
            lock.release()

    def _acquire_lock(self, terminal: Terminal) -> FileLock:
        while (lock := FileLock.try_acquire(self.settings.state_dir / "containers.lock")) is None:
            terminal.show_waiting("… another ./manage.py is making containers")
            time.sleep(_POLL_SECONDS)
        return lock

    def run(self, *arguments: str) -> int:
        """Run a command in the foreground. Return its exit status."""
        return subprocess.run(
            self._build_command(arguments), env=self._environment, cwd=self.root, check=False
        ).returncode

    def start_process(self, *arguments: str) -> ComposeProcess:
        """Start a command in the background; its output is appended to `docker.log`."""
        command = self._build_command(("--progress=plain", *arguments))
        log = self.settings.state_dir / "logs" / "docker.log"
        return ComposeProcess(command, self._environment, self.root, arguments[0], log)

    def follow(self, *arguments: str, on_line: Callable[[str], None]) -> None:
        """Run a command and pass each line to a callback. Raises ControlError with the last line if
        it fails."""
        with self.start_process(*arguments) as call:
            call.follow(on_line)

    def capture(
        self, *arguments: str, stdin: str = "", timeout: float = timeouts.COMMAND_TIMEOUT_SECONDS
    ) -> str:
        """Run a command with `stdin` and return its output.

        Raises ControlError if it fails or takes too long.
        """
        try:
            done = subprocess.run(
                self._build_command(arguments),
                env=self._environment,
                cwd=self.root,
                input=stdin,
                capture_output=True,
                text=True,
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ControlError(
                f"docker compose {arguments[0]} does not answer within {timeout:g} s"
            ) from error
        if done.returncode:
            error_lines = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
            raise ControlError(f"docker compose {arguments[0]}: {error_lines[-1]}")
        return done.stdout

    def stop_all(self) -> None:
        """Remove all containers, including those of services that these settings do not use."""
        options = ("--profile", "*", "down", "--remove-orphans")
        self.capture(*options, timeout=timeouts.STOP_TIMEOUT_SECONDS)

    def stop(self, services: Iterable[str]) -> None:
        names = scale.with_replica_services(services)
        self.capture("stop", *names, timeout=timeouts.STOP_TIMEOUT_SECONDS)

    def get_project_name(self) -> str:
        """Return the name of the Compose project."""
        return str(json.loads(self.capture("config", "--format", "json"))["name"])

    def set_database_password(self) -> None:
        """Set the password in PostgreSQL, which must be running: its image reads the variable only
        when it creates the database."""
        command = ("exec", "--no-TTY", "postgres", "psql", "--quiet", "-U", "smart_assistant")
        statement = build_password_statement(self.settings.values["POSTGRES_PASSWORD"])
        self.capture(*command, stdin=statement)

    def list_containers(self) -> list[Container]:
        """Return all containers, including stopped ones."""
        facts = engine.inspect_containers(self.environ, self._list_container_ids())
        found = [Container.from_inspect_result(it) for it in facts if not container.is_one_off(it)]
        return sorted(found, key=lambda it: (it.service, it.number))

    def _list_container_ids(self) -> list[str]:
        """Retry, because `docker compose ps` fails if a container disappears meanwhile."""
        for tries_left in reversed(range(_MAX_ATTEMPTS)):
            try:
                return self.capture("ps", "--all", "--quiet").split()
            except ControlError as error:
                if not (tries_left and engine.is_not_found_error(str(error))):
                    raise
        return []

    def explain_unhealthy(self, one: Container, others: Iterable[Container] = ()) -> str:
        """Return the answer of the health check, the reason of its exit, or the last line of the
        log.

        For a container that was never started: which of `others` it waits for.
        """
        if one.health_error:
            return one.health_error
        if one.state == "created":
            return one.error or one.describe_unmet_dependencies(others) or "has not started"
        log = engine.read_log(self.environ, one.id)
        if one.has_exited:
            return exit_reasons.describe_exit(one.exit_status, one.error or log)
        if one.state != "running":
            return f"is {one.state}"
        return _append_detail(_describe_running(one), exit_reasons.explain_log(log))

    def read_log_tail(self, one: Container) -> tuple[str, ...]:
        """Return the last lines of the log."""
        return exit_reasons.tail_lines(engine.read_log(self.environ, one.id))

    def get_memory_usage(self, containers: Iterable[Container]) -> dict[str, int]:
        """Return the bytes that the running containers use, by id."""
        running = [one.id for one in containers if one.state == "running"]
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
        profiles = ["--profile", "sandbox"] if self.settings.needs_sandbox else []
        options = ["--file", "docker-compose.yml", "--env-file", "/dev/null"]
        return ["docker", "compose", "--ansi=never", *options, *profiles, *arguments]


def _describe_running(one: Container) -> str:
    if one.is_starting and one.restarts:
        return f"has ended and started again (restarts: {one.restarts})"
    return "still runs" if one.is_task else "does not answer"


def _append_detail(text: str, detail: str) -> str:
    return f"{text}: {detail}" if detail else text
