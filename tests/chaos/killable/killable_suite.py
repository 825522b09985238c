"""The whole suite with services that can be killed, and the controls that stories need."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import redis

from control.local.run_directory import RunDirectory
from smart_kit.testing import local_http
from smart_kit.testing.suite import Suite, wait_until
from tests.chaos.killable.broken_mailboxes import FILE
from tests.chaos.killable.crash_points import (
    FOLDER,
    KILLED,
    ORDER,
    PASSED,
    held_file,
    write_order,
)
from tests.chaos.killable.outside_server import OutsideServer

ENTRY = Path(__file__).with_name("manage.py")
NO_LIMITS = {"per_chat": 0, "signals": 0, "per_group": 0, "overall": 0}
ABSENT = (404, 409)
"""What a repeated request may be told: its first try has done it, and died before it could say."""
NAMED = {"models": "provider_model_name"}
"""What records are called by, where that is no `name`."""


class KillableSuite:
    """A suite in which stories run while services are killed."""

    def __init__(self, suite: Suite, outside: OutsideServer) -> None:
        self.suite = suite
        self.outside = outside
        self.people = 0
        self.has_admin_fixtures = False
        """Whether `add_admin_fixtures` has run."""
        self.stories_run: set[object] = set()
        """Every story that has run."""
        self.first_names: dict[str, list[str]] = {}
        """What its first start has made, by kind."""
        self._folder = suite.state_dir / FOLDER
        self._folder.mkdir(parents=True)
        self._run = RunDirectory(suite.state_dir)

    @cached_property
    def redis(self) -> "redis.Redis":
        """The suite's Redis, past all services."""
        return redis.Redis(
            port=int(self.suite.environment["REDIS_PORT"]),
            password=self.suite.environment["REDIS_PASSWORD"],
            decode_responses=True,
        )

    def close(self) -> None:
        """Close what was opened."""
        if "redis" in self.__dict__:
            self.redis.close()

    def arm(self, *orders: tuple[str, int]) -> None:
        """From now on: names and at which pass to die there, one after the other."""
        write_order(self._folder, [f"KILL_AT={name}:{times}" for name, times in orders])

    def is_armed(self) -> bool:
        """Whether somebody has still to die."""
        return (self._folder / ORDER).exists()

    def passed(self) -> list[str]:
        """What was passed since the suite was made, oldest first."""
        notes = self._folder / PASSED
        return notes.read_text().splitlines() if notes.exists() else []

    def break_mailbox(self, variant: str | None, service: str) -> None:
        """Start a service again with a broken mailbox, or with the right one."""
        file = self._folder / FILE
        file.unlink(missing_ok=True)
        if variant is not None:
            file.write_text(variant)
        self.crash(service)
        self.wait_until_well()

    def pid(self, service: str) -> int | None:
        """Of its process; None where it is between two lives."""
        part = self._run.status().get(service)
        return part.pid if part else None

    def crash(self, service: str) -> None:
        """SIGKILL, and wait until the supervisor has started the next one."""
        pid = self.signal(service, signal.SIGKILL)
        wait_until(lambda: self.pid(service) not in (None, pid), 60.0)

    @contextmanager
    def away(self, service: str) -> Iterator[None]:
        """SIGKILL; the next one begins its work only at the end of the block."""
        hold = self._folder / held_file(service)
        hold.touch()
        try:
            self.crash(service)
            yield
        finally:
            hold.unlink()

    def signal(self, service: str, number: signal.Signals) -> int:
        """Send a signal to its process; returns its pid."""
        wait_until(lambda: self.pid(service) is not None, 60.0)
        pid = self.pid(service)
        assert pid is not None
        os.kill(pid, number)
        return pid

    def wait_until_well(self, seconds: float = 60.0) -> None:
        """Until every service says so."""
        for port in ("REST_SERVICE_PORT", "ASSISTANT_PORT", "CRON_SERVICE_PORT", "TG_BOT_PORT"):
            wait_until(
                lambda port=port: local_http.is_well(self.suite.url(port, "/health")), seconds
            )  # type: ignore[misc]

    def note_first_names(self) -> None:
        """Call it before anybody adds something."""
        for kind in ("assistants", "providers"):
            found = self.api("GET", f"/{kind}")["items"]
            self.first_names[kind] = [one["name"] for one in found]

    def ask_sandbox(self, method: str, path: str, body: Any = None) -> Any:
        """The sandbox's levers, see sandbox/chat/trials.py."""
        answer = self.suite.sandbox().request(method, f"/chat/api/{path}", json=body)
        return answer.raise_for_status().json()

    def api(self, method: str, path: str, body: Any = None, seconds: float = 60.0) -> Any:
        """Ask rest_service as an administrator who asks again until it answers."""
        headers = {"Idempotency-Key": uuid4().hex} if method == "POST" else {}
        deadline, tries = time.monotonic() + seconds, 0
        with self.suite.admin() as admin:
            while True:
                try:
                    answer = admin.request(method, path, json=body, headers=headers)
                except httpx2.TransportError:
                    answer = None
                if answer is not None and answer.status_code < 500:
                    break
                assert time.monotonic() < deadline, f"{method} {path}: {answer}"
                time.sleep(0.05)
                tries += 1
        if not (tries and answer.status_code in ABSENT):
            answer.raise_for_status()
        return answer.json() if answer.content else None

    def make(self, kind: str, name: str, **fields: Any) -> str:
        """Add a record, perhaps in more than one try; returns its id."""
        self.api("POST", f"/{kind}", {"name": name, **fields})
        return str(self.find(kind, name)["id"])

    def find(self, kind: str, name: str) -> dict[str, Any]:
        """The one record of that name."""
        found = self.api("GET", f"/{kind}?limit=200")["items"]
        (record,) = (one for one in found if one[NAMED.get(kind, "name")] == name)
        return dict(record)


def died_at(notes: list[str]) -> list[str]:
    """The names at which somebody has died."""
    return [note.removeprefix(KILLED) for note in notes if note.startswith(KILLED)]
