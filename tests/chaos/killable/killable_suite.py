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
from smart_kit.testing.suite_harness import SuiteHarness, wait_until
from tests.chaos.killable.broken_mailboxes import VARIANT_FILE
from tests.chaos.killable.crash_points import (
    KILL_FOLDER,
    KILLED_PREFIX,
    ORDER_FILE,
    PASSED_FILE,
    hold_file_name,
    write_kill_orders,
)
from tests.chaos.killable.external_server import ExternalServer

ENTRY_POINT = Path(__file__).with_name("manage.py")
NO_RATE_LIMITS = {"per_chat": 0, "chat_actions": 0, "per_group": 0, "overall": 0}
ALREADY_DONE_STATUSES = (404, 409)
"""What a repeated request may be told: its first try has done it, and died before it could say."""
NAME_FIELDS = {"models": "provider_model_name"}
"""What records are called by, where that is no `name`."""


class KillableSuite:
    """A suite in which stories run while services are killed."""

    def __init__(self, suite: SuiteHarness, external_server: ExternalServer) -> None:
        self.suite = suite
        self.external_server = external_server
        self.user_count = 0
        self.has_admin_fixtures = False
        """Whether `add_admin_fixtures` has run."""
        self.stories_run: set[object] = set()
        """Every story that has run."""
        self.default_names: dict[str, list[str]] = {}
        """What its first start has made, by kind."""
        self._folder = suite.state_dir / KILL_FOLDER
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

    def arm_kills(self, *orders: tuple[str, int]) -> None:
        """From now on: names and at which pass to die there, one after the other."""
        write_kill_orders(self._folder, [f"KILL_AT={name}:{times}" for name, times in orders])

    def is_armed(self) -> bool:
        """Whether somebody has still to die."""
        return (self._folder / ORDER_FILE).exists()

    def read_passed_points(self) -> list[str]:
        """What was passed since the suite was made, oldest first."""
        notes = self._folder / PASSED_FILE
        return notes.read_text().splitlines() if notes.exists() else []

    def break_mailbox(self, variant: str | None, service: str) -> None:
        """Start a service again with a broken mailbox, or with the right one."""
        file = self._folder / VARIANT_FILE
        file.unlink(missing_ok=True)
        if variant is not None:
            file.write_text(variant)
        self.crash(service)
        self.wait_until_healthy()

    def get_pid(self, service: str) -> int | None:
        """Of its process; None where it is between two lives."""
        part = self._run.read_status().get(service)
        return part.pid if part else None

    def crash(self, service: str) -> None:
        """SIGKILL, and wait until the supervisor has started the next one."""
        pid = self.send_signal(service, signal.SIGKILL)
        wait_until(lambda: self.get_pid(service) not in (None, pid), 60.0)

    @contextmanager
    def hold_down(self, service: str) -> Iterator[None]:
        """SIGKILL; the next one begins its work only at the end of the block."""
        hold = self._folder / hold_file_name(service)
        hold.touch()
        try:
            self.crash(service)
            yield
        finally:
            hold.unlink()

    def send_signal(self, service: str, number: signal.Signals) -> int:
        """Send a signal to its process; returns its pid."""
        wait_until(lambda: self.get_pid(service) is not None, 60.0)
        pid = self.get_pid(service)
        assert pid is not None
        os.kill(pid, number)
        return pid

    def wait_until_healthy(self, seconds: float = 60.0) -> None:
        """Until every service says so."""
        for port in ("REST_SERVICE_PORT", "ASSISTANT_PORT", "CRON_SERVICE_PORT", "TG_BOT_PORT"):
            wait_until(
                lambda port=port: local_http.is_healthy(self.suite.url(port, "/health")), seconds
            )  # type: ignore[misc]

    def record_default_names(self) -> None:
        """Call it before anybody adds something."""
        for kind in ("assistants", "providers"):
            found = self.call_api("GET", f"/{kind}")["items"]
            self.default_names[kind] = [one["name"] for one in found]

    def call_sandbox(self, method: str, path: str, body: Any = None) -> Any:
        """The sandbox's levers, see sandbox/chat/fault_injection_api.py."""
        answer = self.suite.make_sandbox_client().request(method, f"/chat/api/{path}", json=body)
        return answer.raise_for_status().json()

    def call_api(self, method: str, path: str, body: Any = None, seconds: float = 60.0) -> Any:
        """Ask rest_service as an administrator who asks again until it answers."""
        headers = {"Idempotency-Key": uuid4().hex} if method == "POST" else {}
        deadline, tries = time.monotonic() + seconds, 0
        with self.suite.make_admin_client() as admin:
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
        if not (tries and answer.status_code in ALREADY_DONE_STATUSES):
            answer.raise_for_status()
        return answer.json() if answer.content else None

    def create_record(self, kind: str, name: str, **fields: Any) -> str:
        """Add a record, perhaps in more than one try; returns its id."""
        self.call_api("POST", f"/{kind}", {"name": name, **fields})
        return str(self.find_record(kind, name)["id"])

    def find_record(self, kind: str, name: str) -> dict[str, Any]:
        """The one record of that name."""
        found = self.call_api("GET", f"/{kind}?limit=200")["items"]
        (record,) = (one for one in found if one[NAME_FIELDS.get(kind, "name")] == name)
        return dict(record)


def parse_kills(notes: list[str]) -> list[str]:
    """The names at which somebody has died."""
    return [note.removeprefix(KILLED_PREFIX) for note in notes if note.startswith(KILLED_PREFIX)]
