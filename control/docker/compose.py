"""Calling `docker compose` for one suite."""

import json
import re
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from control import health
from control.context import Context
from control.docker import engine
from control.docker.password import password_statement
from control.errors import ControlError
from control.settings import Settings

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
"""Some versions of Compose wipe lines even where nobody looks."""

_TASKS = ("migrate", "setup")
"""What ends by itself, and is well when it has."""


@dataclass(frozen=True)
class Container:
    """One container, as the engine sees it."""

    id: str
    service: str
    state: str
    """created, running, restarting, exited, …"""
    health: str
    """starting, healthy, unhealthy; empty where there is no check."""
    checks: tuple[str, ...]
    """What the last checks said, the newest last."""
    exit_code: int
    restarts: int
    started_at: datetime

    @classmethod
    def of(cls, facts: dict[str, Any]) -> "Container":
        """From the engine's description of it."""
        state = facts["State"]
        health = state.get("Health") or {}
        return cls(
            id=facts["Id"],
            service=facts["Config"]["Labels"]["com.docker.compose.service"],
            state=state["Status"],
            health=health.get("Status", ""),
            checks=tuple(check["Output"].strip() for check in health.get("Log") or ()),
            exit_code=state["ExitCode"],
            restarts=facts["RestartCount"],
            started_at=datetime.fromisoformat(state["StartedAt"][:19] + "+00:00"),
        )

    @property
    def is_task(self) -> bool:
        return self.service in _TASKS

    @property
    def is_well(self) -> bool:
        if self.is_task:
            return self.state == "exited" and self.exit_code == 0
        return self.state == "running" and self.health == "healthy"


@dataclass(frozen=True)
class Compose:
    """The project of these settings."""

    root: Path
    environ: Mapping[str, str]
    """The operator's own, by which the engine is found."""
    settings: Settings

    @classmethod
    def of(cls, context: Context) -> "Compose":
        """Raises ControlError where there is no engine."""
        engine.require(context.environ)
        return cls(context.root, context.environ, context.compose_settings)

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
        return sorted(map(Container.of, facts), key=lambda container: container.service)

    def why_unwell(self, container: Container) -> str:
        """The last answer of its health check, or the last line of its log."""
        if container.state == "running":
            answer = container.checks[-1] if container.checks else ""
            return health.detail(answer) or answer or f"is {container.health}"
        log = self.read("logs", "--no-log-prefix", "--tail", "5", container.service)
        said = [line.strip() for line in _ANSI.sub("", log).splitlines() if line.strip()]
        return said[-1] if said else f"is {container.state}"

    def memory(self, containers: Iterable[Container]) -> dict[str, int]:
        """Bytes of those that run, by container's id."""
        running = [container.id for container in containers if container.state == "running"]
        if not running:
            return {}
        form = '{"id": "{{.ID}}", "used": "{{.MemUsage}}"}'
        rows = self._ask("stats", "--no-stream", "--no-trunc", "--format", form, *running)
        used = {row["id"]: row["used"] for row in map(json.loads, rows.splitlines())}
        return {id_: _bytes(text) for id_, text in used.items()}

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
