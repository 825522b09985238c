"""The systems that a benchmark compares, each a bot of its own with the same fakes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import httpx2

from control import replicas
from control.local.run_directory import RunDirectory
from smart_kit.contracts.keys import TURNS_STREAM
from smart_kit.testing import local_http
from smart_kit.testing.ports import free_port, is_listening
from smart_kit.testing.suite_harness import ROOT, SuiteHarness, wait_until
from tests.e2e.fault_injection import NO_RATE_LIMITS, QUEUES, connect_redis, get_pids
from tests.load.fakes.answer_log import LoadResult
from tests.load.fakes.load_plan import LoadPlan
from tests.load.figures import BARE, SUITE
from tests.load.process_usage import ProcessGroups, distinguish_postgres_backends

_STOP_SECONDS = 20.0
_DRAIN_SECONDS = 300.0
_DRAIN_POLL_SECONDS = 0.02


class Fakes:
    """Telegram, the model and the users, in a process of their own."""

    def __init__(self) -> None:
        self.port = free_port()
        command = (sys.executable, "-m", "tests.load.fakes.server", str(self.port))
        self.process = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
        self.groups = ProcessGroups({self.process.pid: "fakes"})
        self._http = local_http.make_client(self.url)
        wait_until(lambda: is_listening(self.port))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def run_load(self, plan: LoadPlan) -> LoadResult:
        """Run a load until each message is answered or lost."""
        body = plan.__dict__
        response = self._http.post("/load", json=body, timeout=httpx2.Timeout(None))
        return LoadResult.from_json(response.raise_for_status().json())

    def finish_load(self, token: str, result: LoadResult) -> LoadResult:
        """End a load of a bot that has nothing left to do, and add late answers to its result."""
        response = self._http.post("/finish", content=token)
        return replace(result, **response.raise_for_status().json())

    def count_model_requests(self) -> int:
        """Return how many requests to the model wait for their answer."""
        return int(local_http.get(f"{self.url}/in-flight").text)

    def close(self) -> None:
        self._http.close()
        _stop(self.process)


class System(Protocol):
    """A bot under test."""

    name: str
    """`suite` or `bare`."""
    token: str

    @property
    def groups(self) -> ProcessGroups:
        """The processes that run now."""

    def start(self) -> None:
        """Start it, and return once it answers or soon will."""

    def wait_until_drained(self) -> None:
        """Wait until nothing is left to do for the messages that were answered."""

    def stop(self) -> None:
        """Stop it; its data stays."""

    def remove(self) -> None:
        """Stop it, and delete what it has stored."""


class SuiteSystem:
    """The whole suite with its databases, as processes."""

    name = SUITE

    def __init__(self, fakes: Fakes, state_dir: Path, token: str) -> None:
        self.token = token
        settings = NO_RATE_LIMITS | {
            "TELEGRAM_TOKEN": token,
            "TELEGRAM_API_URL": fakes.url,
            "TELEGRAM_ALLOWED_USERS": "*",
            "OPENAI_API_KEY": "load",
            "OPENAI_BASE_URL": f"{fakes.url}/v1",
            "DEFAULT_MODEL": "demo",
            "FALLBACK_MODEL": "demo",
        }
        self.suite = SuiteHarness(state_dir, settings)

    @property
    def groups(self) -> ProcessGroups:
        supervisor = RunDirectory(self.suite.state_dir).find_supervisor()
        assert supervisor is not None, "the suite is not running"
        pids = get_pids(self.suite)
        roots = {pid: replicas.parse_service_name(name) for name, pid in pids.items()}
        return ProcessGroups(
            {supervisor.pid: "supervisor"} | roots, refine=distinguish_postgres_backends
        )

    def start(self) -> None:
        self.suite.manage("start")

    def scale_assistant(self, count: int) -> None:
        self.suite.manage("start", "--replicas", f"assistant={count}")

    def wait_until_drained(self) -> None:
        """Wait until both queues are empty and all turns are in Postgres."""
        deadline = time.monotonic() + _DRAIN_SECONDS
        with connect_redis(self.suite) as client:
            while any(client.xlen(stream) for stream in (*QUEUES, TURNS_STREAM)):
                assert time.monotonic() < deadline, "the suite does not finish its work"
                time.sleep(_DRAIN_POLL_SECONDS)

    def stop(self) -> None:
        self.suite.manage("stop")

    def remove(self) -> None:
        self.suite.remove()


class BareBot:
    """A bot in one process that keeps nothing."""

    name = BARE

    def __init__(self, fakes: Fakes, command: Sequence[str | Path], token: str) -> None:
        self.token = token
        self._command = command
        self._environment = os.environ | {
            "TELEGRAM_TOKEN": token,
            "TELEGRAM_API_URL": fakes.url,
            "OPENAI_BASE_URL": f"{fakes.url}/v1",
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def groups(self) -> ProcessGroups:
        assert self._process is not None, "the bot is not running"
        return ProcessGroups({self._process.pid: "bot"})

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command,
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def wait_until_drained(self) -> None:
        """It has nothing to finish."""

    def stop(self) -> None:
        if self._process is not None:
            _stop(self._process)
            self._process = None

    def remove(self) -> None:
        self.stop()


@contextmanager
def removing(system: System) -> Iterator[None]:
    """Remove a system afterwards."""
    try:
        yield
    finally:
        system.remove()


@contextmanager
def running(system: System) -> Iterator[None]:
    """Start a system, and remove it afterwards."""
    with removing(system):
        system.start()
        yield


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
