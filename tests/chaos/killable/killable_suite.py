"""The whole suite with services that can be killed, and the controls that stories use."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import redis  # for the annotation of a property of the same name

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
from tests.e2e.fault_injection import connect_redis

ENTRY_POINT = Path(__file__).with_name("manage.py")
ALREADY_DONE_STATUSES = (404, 409)
"""Accepted for a repeated request: the first attempt succeeded, but its response was lost."""
NAME_FIELDS = {"models": "provider_model_name"}
"""By record type: the field that holds the name, if it is not `name`."""


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
        """By record type: the names of the records that the first start created."""
        self._folder = suite.state_dir / KILL_FOLDER
        self._folder.mkdir(parents=True)
        self._run = RunDirectory(suite.state_dir)

    @cached_property
    def redis(self) -> "redis.Redis":
        return connect_redis(self.suite)

    def close(self) -> None:
        if "redis" in self.__dict__:
            self.redis.close()

    def arm_kills(self, *orders: tuple[str, int]) -> None:
        """Order kills, one after the other: the name of a crash point, and the pass to kill at.

        Replaces earlier orders; without arguments it cancels them.
        """
        write_kill_orders(self._folder, [f"KILL_AT={name}:{times}" for name, times in orders])

    def is_armed(self) -> bool:
        """Return whether a kill is still outstanding."""
        return (self._folder / ORDER_FILE).exists()

    def read_passed_points(self) -> list[str]:
        """Return all crash points passed, and kills (`killed <name>`), oldest first."""
        notes = self._folder / PASSED_FILE
        return notes.read_text().splitlines() if notes.exists() else []

    def break_mailbox(self, variant: str | None, service: str) -> None:
        """Restart a service with a variant of broken_mailboxes.py; None for the correct mailbox."""
        file = self._folder / VARIANT_FILE
        file.unlink(missing_ok=True)
        if variant is not None:
            file.write_text(variant)
        self.crash(service)
        self.wait_until_healthy()

    def get_pid(self, service: str) -> int | None:
        """Return the pid of the service; None while it is being restarted."""
        status = self._run.read_status().get(service)
        return status.pid if status else None

    def crash(self, service: str) -> None:
        """Kill the service, and wait until the supervisor has restarted it."""
        pid = self.send_signal(service, signal.SIGKILL)
        wait_until(lambda: self.get_pid(service) not in (None, pid), 60.0)

    @contextmanager
    def hold_down(self, service: str) -> Iterator[None]:
        """Kill the service; the next process starts to work only at the end of the block."""
        hold = self._folder / hold_file_name(service)
        hold.touch()
        try:
            self.crash(service)
            yield
        finally:
            hold.unlink()

    def send_signal(self, service: str, number: signal.Signals) -> int:
        """Send a signal to the process of the service, and return its pid."""
        wait_until(lambda: self.get_pid(service) is not None, 60.0)
        pid = self.get_pid(service)
        assert pid is not None
        os.kill(pid, number)
        return pid

    def wait_until_healthy(self, seconds: float = 60.0) -> None:
        for port in ("REST_SERVICE_PORT", "ASSISTANT_PORT", "CRON_SERVICE_PORT", "TG_BOT_PORT"):
            wait_until(partial(local_http.is_healthy, self.suite.url(port, "/health")), seconds)

    def record_default_names(self) -> None:
        """Store the names of the default records. Call it before a test adds records."""
        for kind in ("assistants", "providers"):
            records = self.call_api("GET", f"/{kind}")["items"]
            self.default_names[kind] = [record["name"] for record in records]

    def call_sandbox(self, method: str, path: str, body: Any = None) -> Any:
        """Call the sandbox's control API, see sandbox/chat/fault_injection_api.py."""
        response = self.suite.make_sandbox_client().request(method, f"/chat/api/{path}", json=body)
        return response.raise_for_status().json()

    def call_api(self, method: str, path: str, body: Any = None, seconds: float = 60.0) -> Any:
        """Call rest_service as an administrator, and retry while it is down. Return the JSON."""
        headers = {"Idempotency-Key": uuid4().hex} if method == "POST" else {}
        deadline, retries = time.monotonic() + seconds, 0
        with self.suite.make_admin_client() as admin:
            while True:
                try:
                    response = admin.request(method, path, json=body, headers=headers)
                except httpx2.TransportError:
                    response = None
                if response is not None and response.status_code < 500:
                    break
                assert time.monotonic() < deadline, f"{method} {path}: {response}"
                time.sleep(0.05)
                retries += 1
        if not (retries and response.status_code in ALREADY_DONE_STATUSES):
            response.raise_for_status()
        return response.json() if response.content else None

    def create_record(self, kind: str, name: str, **fields: Any) -> str:
        """Create a record, with retries, and return its id."""
        self.call_api("POST", f"/{kind}", {"name": name, **fields})
        return str(self.find_record(kind, name)["id"])

    def find_record(self, kind: str, name: str) -> dict[str, Any]:
        """Return the only record of that name."""
        records = self.call_api("GET", f"/{kind}?limit=200")["items"]
        field = NAME_FIELDS.get(kind, "name")
        (record,) = (record for record in records if record[field] == name)
        return dict(record)


def parse_kills(notes: list[str]) -> list[str]:
    """Return the names of the crash points at which a service was killed."""
    return [note.removeprefix(KILLED_PREFIX) for note in notes if note.startswith(KILLED_PREFIX)]
