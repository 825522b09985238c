"""Calling `docker compose` for one suite."""

import json
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from control import reasons, replicas
from control.context import Context
from control.docker import container, engine, timeouts
from control.docker.call import Call
from control.docker.container import Container
from control.docker.password import password_statement
from control.errors import ControlError
from control.lock import Lock
from control.services import Service
from control.settings import Settings
from control.terminal import Terminal

_POLL = 0.1
_TRIES = 5


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
            terminal.waiting("… another ./manage.py is making containers")
            time.sleep(_POLL)
        return lock

    def run(self, *arguments: str) -> int:
        """Run it with the terminal as its own; returns its status."""
        return subprocess.run(
            self._command(arguments), env=self._environment, cwd=self.root, check=False
        ).returncode

    def call(self, *arguments: str) -> Call:
        """Begin it in the background; what it says is kept in `docker.log`."""
        command = self._command(("--progress=plain", *arguments))
        log = self.settings.state_dir / "logs" / "docker.log"
        return Call(command, self._environment, self.root, arguments[0], log)

    def follow(self, *arguments: str, hear: Callable[[str], None]) -> None:
        """Run it and have each line heard; raises ControlError with the last where it fails."""
        with self.call(*arguments) as call:
            call.follow(hear)

    def read(self, *arguments: str, given: str = "", seconds: float = timeouts.ANSWER) -> str:
        """What it prints when given a text.

        Raises ControlError with its words where it fails, or where it takes too long.
        """
        try:
            done = subprocess.run(
                self._command(arguments),
                env=self._environment,
                cwd=self.root,
                input=given,
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ControlError(
                f"docker compose {arguments[0]} does not answer within {seconds:g} s"
            ) from error
        if done.returncode:
            said = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
            raise ControlError(f"docker compose {arguments[0]}: {said[-1]}")
        return done.stdout

    def project(self) -> str:
        """The name that Compose gives to all that it makes."""
        return str(json.loads(self.read("config", "--format", "json"))["name"])

    def set_database_password(self) -> None:
        """Have Postgres, which must be up, know the password of the settings as its own."""
        command = ("exec", "--no-TTY", "postgres", "psql", "--quiet", "-U", "smart_assistant")
        statement = password_statement(self.settings.values["POSTGRES_PASSWORD"])
        self.read(*command, given=statement)

    def containers(self) -> list[Container]:
        """All there are, also those that have ended."""
        facts = engine.inspect(self.environ, self._ids())
        found = [Container.of(it) for it in facts if not container.is_one_off(it)]
        return sorted(found, key=lambda it: (it.service, it.number))

    def _ids(self) -> list[str]:
        """Compose looks at each container too, and fails where one has gone meanwhile."""
        for tries_left in reversed(range(_TRIES)):
            try:
                return self.read("ps", "--all", "--quiet").split()
            except ControlError as error:
                if not (tries_left and engine.is_gone(str(error))):
                    raise
        return []

    def why_unwell(self, one: Container, beside: Iterable[Container] = ()) -> str:
        """What it answers to its health check, or why it has ended, or the last line of its log.

        Of a container that was never started: what it waits for of those beside it.
        """
        if one.complaint:
            return one.complaint
        if one.state == "created":
            return one.error or one.waits_for(beside) or "has not started"
        log = engine.log(self.environ, one.id)
        if one.has_ended:
            return reasons.end(one.status, one.error or log)
        if one.state != "running":
            return f"is {one.state}"
        return _with_words(_of_running(one), reasons.meaning(log))

    def last_lines(self, one: Container) -> tuple[str, ...]:
        """The end of its log."""
        return reasons.ending(engine.log(self.environ, one.id))

    def memory(self, containers: Iterable[Container]) -> dict[str, int]:
        """Bytes of those that run, by container's id."""
        running = [one.id for one in containers if one.state == "running"]
        return engine.memory(self.environ, running) if running else {}

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

    @property
    def _environment(self) -> dict[str, str]:
        return {**self.environ, **self.settings.values}

    def _command(self, arguments: Iterable[str]) -> list[str]:
        """The file by its name: the override beside it is for those who have no manage.py."""
        profiles = ["--profile", "sandbox"] if self.settings.needs_sandbox else []
        options = ["--file", "docker-compose.yml", "--env-file", "/dev/null"]
        return ["docker", "compose", "--ansi=never", *options, *profiles, *arguments]


def _of_running(one: Container) -> str:
    if one.is_starting and one.restarts:
        return f"has ended and started again (restarts: {one.restarts})"
    return "still runs" if one.is_task else "does not answer"


def _with_words(text: str, words: str) -> str:
    return f"{text}: {words}" if words else text
