"""Calling `docker compose` for one suite."""

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from control import health, reasons, replicas
from control.context import Context
from control.docker import engine
from control.docker.container import Container
from control.docker.password import password_statement
from control.errors import ControlError
from control.lock import Lock
from control.services import Service
from control.settings import Settings
from control.terminal import Terminal

_LAST_LINES = "20"
_POLL = 0.1


@dataclass(frozen=True)
class Compose:
    """The project of these settings."""

    root: Path
    environ: Mapping[str, str]
    """The operator's own, by which the engine is found."""
    settings: Settings
    table: tuple[Service, ...]
    asked: Mapping[str, int]
    """How many processes a service shall have, where this command says so."""

    @classmethod
    def of(cls, context: Context, asked: Mapping[str, int] | None = None) -> "Compose":
        """Raises ControlError where there is no engine."""
        engine.require(context.environ)
        settings = context.compose_settings
        return cls(context.root, context.environ, settings, context.services, asked or {})

    def check_replicas(self) -> None:
        """Raises ControlError where the numbers asked for earlier cannot be read."""
        replicas.read(self.settings.state_dir, self.table)

    @contextmanager
    def counting(self, terminal: Terminal) -> Iterator[dict[str, int]]:
        """How many containers a service shall have, where it is not one; also from now on.

        Until they are there no other command says, or makes, another number.
        """
        lock = self._turn(terminal)
        try:
            counts = replicas.read(self.settings.state_dir, self.table) | dict(self.asked)
            replicas.keep(self.settings.state_dir, counts)
            theirs = {"postgres": self.settings.own_postgres, "redis": self.settings.own_redis}
            yield {**counts, **{name: 0 for name in theirs if theirs[name]}}
        finally:
            lock.release()

    def _turn(self, terminal: Terminal) -> Lock:
        while (lock := Lock.take(self.settings.state_dir / "containers.lock")) is None:
            terminal.busy("… another ./manage.py is making containers")
            time.sleep(_POLL)
        return lock

    def run(self, *arguments: str) -> int:
        """Run it with the terminal as its own; returns its status."""
        return subprocess.run(
            self._command(arguments), env=self._environment, cwd=self.root, check=False
        ).returncode

    def follow(self, *arguments: str, hear: Callable[[str], None]) -> None:
        """Run it, keep what it says in `docker.log`, and have each line heard.

        Raises ControlError with the last of them where it fails.
        """
        log = self.settings.state_dir / "logs" / "docker.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        said = "it does not say why"
        with (
            log.open("a", encoding="utf-8") as kept,
            subprocess.Popen(
                self._command(("--progress=plain", *arguments)),
                env=self._environment,
                cwd=self.root,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            ) as process,
        ):
            assert process.stdout is not None
            for line in process.stdout:
                kept.write(line)
                kept.flush()
                said = line.strip() or said
                hear(line.rstrip())
        if process.returncode:
            raise ControlError(f"docker compose {arguments[0]}: {said} (all of it: {log})")

    def read(self, *arguments: str, given: str = "") -> str:
        """What it prints when given a text; raises ControlError with its words where it fails."""
        done = subprocess.run(
            self._command(arguments),
            env=self._environment,
            cwd=self.root,
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            said = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
            raise ControlError(f"docker compose {arguments[0]}: {said[-1]}")
        return done.stdout

    def set_database_password(self) -> None:
        """Have Postgres, which must be up, know the password of the settings as its own."""
        command = ("exec", "--no-TTY", "postgres", "psql", "--quiet", "-U", "smart_assistant")
        statement = password_statement(self.settings.values["POSTGRES_PASSWORD"])
        self.read(*command, given=statement)

    def containers(self) -> list[Container]:
        """All there are, also those that have ended."""
        ids = self.read("ps", "--all", "--quiet").split()
        facts = json.loads(self._ask("inspect", *ids)) if ids else []
        return sorted(map(Container.of, facts), key=lambda it: (it.service, it.number))

    def why_unwell(self, container: Container) -> str:
        """What it answers to its health check, or why it has ended, or the last line of its log."""
        answer = container.checks[-1] if container.checks else ""
        if container.state == "running" and (said := health.detail(answer)):
            return said
        log = self._log(container)
        if container.has_ended:
            return reasons.end(container.status, log)
        if container.state != "running":
            return f"is {container.state}"
        words = reasons.meaning(log)
        return f"does not answer: {words}" if words else "does not answer"

    def memory(self, containers: Iterable[Container]) -> dict[str, int]:
        """Bytes of those that run, by container's id."""
        running = [container.id for container in containers if container.state == "running"]
        if not running:
            return {}
        form = '{"id": "{{.ID}}", "used": "{{.MemUsage}}"}'
        rows = self._ask("stats", "--no-stream", "--no-trunc", "--format", form, *running)
        used = {row["id"]: row["used"] for row in map(json.loads, rows.splitlines())}
        return {id_: _bytes(text) for id_, text in used.items()}

    def stream(self, *arguments: str) -> Iterator[str]:
        """The lines that it prints, as they come, for as long as somebody listens."""
        with subprocess.Popen(
            self._command(arguments),
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

    def _log(self, container: Container) -> str:
        """Its last lines; services write to one of the two, servers to the other."""
        return subprocess.run(
            ("docker", "logs", "--tail", _LAST_LINES, container.id),
            env=dict(self.environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        ).stdout

    def _ask(self, *arguments: str) -> str:
        """What the engine itself says."""
        done = subprocess.run(
            ("docker", *arguments), env=dict(self.environ), capture_output=True, text=True
        )
        if done.returncode:
            raise ControlError(f"docker {arguments[0]}: {done.stderr.strip()}")
        return done.stdout

    @property
    def _environment(self) -> dict[str, str]:
        return {**self.environ, **self.settings.values}

    def _command(self, arguments: Iterable[str]) -> list[str]:
        """The file by its name: the override beside it is for those who have no manage.py."""
        profiles = ["--profile", "sandbox"] if self.settings.needs_sandbox else []
        options = ["--file", "docker-compose.yml", "--env-file", "/dev/null"]
        return ["docker", "compose", "--ansi=never", *options, *profiles, *arguments]


def _bytes(text: str) -> int:
    """Of `12.5MiB / 23GiB`, the first."""
    match = re.match(r"([\d.]+)\s*([KMG]?)i?B", text)
    if match is None:
        return 0
    return int(float(match[1]) * 1024 ** " KMG".index(match[2] or " "))
