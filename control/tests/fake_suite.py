"""A suite of fake services with real databases, run as an operator runs it."""

import http.client
import json
import os
import subprocess
import sys
from argparse import Namespace
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from control.context import Context
from control.doctor import suite as doctor_of_suite
from control.local.process import Process
from control.local.run_directory import PartStatus, RunDirectory
from control.terminal import Terminal
from control.tests.fake_manage import SERVICES
from smart_kit.testing.ports import free_ports

HERE = Path(__file__).parent
PORTS = ("REST_SERVICE_PORT", "TG_BOT_PORT", "SANDBOX_PORT", "POSTGRES_PORT", "REDIS_PORT")


@dataclass
class FakeSuite:
    """`home` plays the repository; the process environment has nothing else of ours."""

    home: Path
    behaviours: dict[str, str] = field(default_factory=dict)
    own_postgres: bool = True
    """The operator names a server, so that no database has to be made: that takes its time."""
    environment: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        ports = zip(PORTS, map(str, free_ports(len(PORTS))), strict=True)
        self.environment = dict(ports) | {
            "FAKE_ROOT": str(self.home),
            "PYTHONPATH": str(HERE.parents[1]),
            "PATH": os.environ["PATH"],
            "STATE_DIR": str(self.home / "state"),
        }
        if self.own_postgres:
            elsewhere = "postgresql://nobody:nothing@127.0.0.1:1/none"
            self.environment |= {"DATABASE_URL": elsewhere, "ASYNC_DATABASE_URL": elsewhere}

    @property
    def run(self) -> RunDirectory:
        return RunDirectory(self.home / "state")

    def manage(self, *arguments: str, status: int = 0) -> str:
        """What `./manage.py` prints; it must end with that status."""
        with self.begin(*arguments) as process:
            try:
                said, _ = process.communicate(timeout=90)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        assert process.returncode == status, said
        assert "\nTraceback" not in f"\n{said}"  # of manage.py itself; logs are quoted
        return said

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """The same, without waiting."""
        command, *rest = arguments
        return subprocess.Popen(
            [sys.executable, HERE / "fake_manage.py", command, "--local", *rest],
            env=self.environment | {"FAKE_BEHAVIOURS": json.dumps(self.behaviours)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    def context(self, terminal: Terminal) -> Context:
        """What a command of this suite works with, in this process."""
        entry, python = HERE / "fake_manage.py", Path(sys.executable)
        return Context(self.home, entry, self.environment, terminal, SERVICES, python)

    def findings(self, terminal: Terminal) -> list[str]:
        """What `doctor` says of the suite itself: each verdict with its line."""
        found = doctor_of_suite.check(self.context(terminal), Namespace(docker=False, local=True))
        return [f"{one.verdict}: {one.said}: {one.advice}" for one in found]

    def part(self, name: str) -> PartStatus:
        return self.run.status()[name]

    def pid(self, name: str) -> int:
        pid = self.part(name).pid
        assert pid is not None
        return pid

    def processes(self) -> list[Process]:
        """Everything that runs by the records, the supervisor too."""
        supervisor = self.run.supervisor()
        return [*self.run.processes().values(), *([supervisor] if supervisor else [])]

    def environment_of(self, port: str, above: int = 0) -> dict[str, str]:
        """What a fake service sees that listens on a port, or so far above it."""
        number = int(self.environment[port]) + above
        connection = http.client.HTTPConnection("127.0.0.1", number, timeout=5)
        try:
            connection.request("GET", "/health")
            body: Any = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        seen: dict[str, str] = body["environment"]
        return seen
