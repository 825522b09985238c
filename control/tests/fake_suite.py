"""A suite of fake services with real databases, run as an operator runs it."""

import http.client
import io
import json
import os
import subprocess
import sys
from argparse import Namespace
from contextlib import redirect_stderr
from dataclasses import dataclass, field
from pathlib import Path

from control.cli import main
from control.context import Context
from control.doctor import suite as doctor_of_suite
from control.local.process import Process
from control.local.run_directory import ComponentStatus, RunDirectory
from control.terminal import Terminal
from control.tests import database_template, fake_services
from smart_kit.testing.ports import free_ports

MANAGE_SCRIPT = Path(__file__).with_name("fake_manage.py")
PORTS = ("REST_SERVICE_PORT", "TG_BOT_PORT", "SANDBOX_PORT", "POSTGRES_PORT", "REDIS_PORT")


@dataclass
class FakeSuite:
    """`home` is the repository; the process environment contains no other variables of the
    suite."""

    home: Path
    behaviours: dict[str, str] = field(default_factory=dict)
    has_external_postgres: bool = True
    """Whether the operator names a server, so that no database has to be created, which takes
    time."""
    environment: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        ports = zip(PORTS, map(str, free_ports(len(PORTS))), strict=True)
        self.environment = dict(ports) | {
            "FAKE_ROOT": str(self.home),
            "FAKE_BEHAVIOURS": json.dumps(self.behaviours),
            "FAKE_PYTHON": sys.executable,
            "PYTHONPATH": str(MANAGE_SCRIPT.parents[2]),
            "PATH": os.environ["PATH"],
            "STATE_DIR": str(self.home / "state"),
        }
        if self.has_external_postgres:
            unreachable = "postgresql://none:none@127.0.0.1:1/none"
            self.environment |= {"DATABASE_URL": unreachable, "ASYNC_DATABASE_URL": unreachable}
        else:
            self.environment["POSTGRES_PASSWORD"] = database_template.PASSWORD

    @property
    def run_directory(self) -> RunDirectory:
        return RunDirectory(self.home / "state")

    def manage(self, *arguments: str, status: int = 0) -> str:
        """Return the output of `./manage.py`, which must exit with this status.

        The command runs in this process; the supervisor that it may start is a process of its own.
        """
        command, *rest = arguments
        output = io.StringIO()
        terminal = Terminal(output, is_tty=False, colour=False)
        with redirect_stderr(output):
            exit_status = main([command, "--local", *rest], self.context(terminal))
        assert exit_status == status, output.getvalue()
        return output.getvalue()

    def start_process(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the command as a process."""
        command, *rest = arguments
        return subprocess.Popen(
            [sys.executable, MANAGE_SCRIPT, command, "--local", *rest],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    def context(self, terminal: Terminal) -> Context:
        """Return the context of a command in this process."""
        services = fake_services.build_services(self.behaviours)
        python = Path(self.environment["FAKE_PYTHON"])
        return Context(self.home, MANAGE_SCRIPT, self.environment, terminal, services, python)

    def findings(self, terminal: Terminal) -> list[str]:
        """Return what `doctor` reports about the suite: severity, message and advice."""
        found = doctor_of_suite.check(self.context(terminal), Namespace(docker=False, local=True))
        return [f"{finding.severity}: {finding.message}: {finding.advice}" for finding in found]

    def component_status(self, name: str) -> ComponentStatus:
        return self.run_directory.read_status()[name]

    def pid(self, name: str) -> int:
        pid = self.component_status(name).pid
        assert pid is not None
        return pid

    def processes(self) -> list[Process]:
        """Return all recorded processes, including the supervisor."""
        supervisor = self.run_directory.find_supervisor()
        return [
            *self.run_directory.find_processes().values(),
            *([supervisor] if supervisor else []),
        ]

    def fetch_environment(self, port: str, offset: int = 0) -> dict[str, str]:
        """Return the environment of the fake service at a port, or at this distance above it."""
        number = int(self.environment[port]) + offset
        connection = http.client.HTTPConnection("127.0.0.1", number, timeout=60)
        try:
            connection.request("GET", "/environment")
            environment: dict[str, str] = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        return environment
