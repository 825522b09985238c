"""Calling `docker compose` for one suite."""

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
    """The project of these settings."""

    root: Path
    environ: Mapping[str, str]
    """The operator's own, by which the engine is found."""
    settings: Settings
    table: tuple[Service, ...]
    requested_replicas: Mapping[str, int]
    """How many processes a service shall have, where this command says so."""

    @classmethod
    def from_context(
        cls, context: Context, requested: Mapping[str, int] | None = None
    ) -> "Compose":
        """Raises ControlError where there is no engine."""
        engine.ensure_available(context.environ)
        settings = context.compose_settings
        return cls(context.root, context.environ, settings, context.services, requested or {})

    def check_replicas(self) -> None:
        """Raises ControlError where the numbers asked for earlier cannot be read."""
        replicas.read(self.settings.state_dir, self.table)

    @contextmanager
    def locked_replica_counts(self, terminal: Terminal) -> Iterator[dict[str, int]]:
        """How many containers a service shall have, where it is not one; also from now on.

        Until they are there no other command says, or makes, another number.
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
        """Run it with the terminal as its own; returns its status."""
        return subprocess.run(
            self._build_command(arguments), env=self._environment, cwd=self.root, check=False
        ).returncode

    def start_process(self, *arguments: str) -> ComposeProcess:
        """Begin it in the background; what it says is kept in `docker.log`."""
        command = self._build_command(("--progress=plain", *arguments))
        log = self.settings.state_dir / "logs" / "docker.log"
        return ComposeProcess(command, self._environment, self.root, arguments[0], log)

    def follow(self, *arguments: str, on_line: Callable[[str], None]) -> None:
        """Run it and have each line heard; raises ControlError with the last where it fails."""
        with self.start_process(*arguments) as call:
            call.follow(on_line)

    def capture(
        self, *arguments: str, stdin: str = "", timeout: float = timeouts.COMMAND_TIMEOUT_SECONDS
    ) -> str:
        """What it prints when given a text.

        Raises ControlError with its words where it fails, or where it takes too long.
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
        """Remove all containers, also those of services that do not run with these settings."""
        options = ("--profile", "*", "down", "--remove-orphans")
        self.capture(*options, timeout=timeouts.STOP_TIMEOUT_SECONDS)

    def stop(self, services: Iterable[str]) -> None:
        names = scale.with_replica_services(services)
        self.capture("stop", *names, timeout=timeouts.STOP_TIMEOUT_SECONDS)

    def get_project_name(self) -> str:
        """The name that Compose gives to all that it makes."""
        return str(json.loads(self.capture("config", "--format", "json"))["name"])

    def set_database_password(self) -> None:
        """Have Postgres, which must be up, know the password of the settings as its own."""
        command = ("exec", "--no-TTY", "postgres", "psql", "--quiet", "-U", "smart_assistant")
        statement = build_password_statement(self.settings.values["POSTGRES_PASSWORD"])
        self.capture(*command, stdin=statement)

    def list_containers(self) -> list[Container]:
        """All there are, also those that have ended."""
        facts = engine.inspect_containers(self.environ, self._list_container_ids())
        found = [Container.from_inspect_result(it) for it in facts if not container.is_one_off(it)]
        return sorted(found, key=lambda it: (it.service, it.number))

    def _list_container_ids(self) -> list[str]:
        """Compose looks at each container too, and fails where one has gone meanwhile."""
        for tries_left in reversed(range(_MAX_ATTEMPTS)):
            try:
                return self.capture("ps", "--all", "--quiet").split()
            except ControlError as error:
                if not (tries_left and engine.is_not_found_error(str(error))):
                    raise
        return []

    def explain_unhealthy(self, one: Container, others: Iterable[Container] = ()) -> str:
        """What it answers to its health check, or why it has ended, or the last line of its log.

        Of a container that was never started: what it waits for of those beside it.
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
        """The end of its log."""
        return exit_reasons.tail_lines(engine.read_log(self.environ, one.id))

    def get_memory_usage(self, containers: Iterable[Container]) -> dict[str, int]:
        """Bytes of those that run, by container's id."""
        running = [one.id for one in containers if one.state == "running"]
        return engine.get_memory_usage(self.environ, running) if running else {}

    def stream_lines(self, *arguments: str) -> Iterator[str]:
        """The lines that it prints, as they come, for as long as somebody listens."""
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
        """The file by its name: the override beside it is for those who have no manage.py."""
        profiles = ["--profile", "sandbox"] if self.settings.needs_sandbox else []
        options = ["--file", "docker-compose.yml", "--env-file", "/dev/null"]
        return ["docker", "compose", "--ansi=never", *options, *profiles, *arguments]


def _describe_running(one: Container) -> str:
    if one.is_starting and one.restarts:
        return f"has ended and started again (restarts: {one.restarts})"
    return "still runs" if one.is_task else "does not answer"


def _append_detail(text: str, detail: str) -> str:
    return f"{text}: {detail}" if detail else text
