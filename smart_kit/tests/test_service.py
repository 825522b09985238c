"""A service as a process: start, stop, exit status and messages."""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from smart_kit.service import MAX_OPEN_FILES
from smart_kit.testing import local_http
from smart_kit.testing.ports import free_port, is_listening

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_SECONDS = 120.0


@contextmanager
def run_service(**variables: str) -> Iterator[subprocess.Popen[str]]:
    """The example service, which is killed if it does not end by itself."""
    process = subprocess.Popen(
        [sys.executable, "-m", "smart_kit.tests.example_service"],
        env=os.environ | {"LOG_FORMAT": "json"} | variables,
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for_exit(process: subprocess.Popen[str]) -> tuple[int, list[str]]:
    """Return the exit status and the output."""
    _, stderr = process.communicate(timeout=TIMEOUT_SECONDS)
    return process.returncode, stderr.splitlines()


def wait_for_port(port: int) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not is_listening(port):
        assert time.monotonic() < deadline, "the service does not listen"
        time.sleep(0.02)


def parse_log_line(line: str) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(line)
    return parsed


def test_invalid_settings_end_the_service_with_status_78() -> None:
    with run_service(EXAMPLE_PORT="", LOG_LEVEL="LOUD") as process:
        status, lines = wait_for_exit(process)

    assert status == 78
    (line,) = lines
    assert line.startswith("example: ")
    assert "EXAMPLE_PORT: " in line
    assert "LOG_LEVEL: " in line


def test_port_in_use_ends_the_service_with_status_78() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        with run_service(EXAMPLE_PORT=str(port), EXAMPLE_LOOP="ending") as process:
            status, lines = wait_for_exit(process)

    assert status == 78
    (line,) = map(parse_log_line, lines)
    assert f"Cannot listen on 127.0.0.1:{port}" in line["reason"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_signal_ends_the_service_with_status_0(number: signal.Signals) -> None:
    port = free_port()
    with run_service(EXAMPLE_PORT=str(port)) as process:
        wait_for_port(port)
        assert local_http.get(f"http://127.0.0.1:{port}/health").json()["status"] == "ok"
        process.send_signal(number)
        status, lines = wait_for_exit(process)

    assert status == 0
    assert [parse_log_line(line)["event"] for line in lines] == ["put away"]
    assert not is_listening(port)


def test_service_may_open_as_many_files_as_the_system_allows() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_OPEN_FILES)
    port = free_port()
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    try:
        with run_service(EXAMPLE_PORT=str(port)) as process:
            wait_for_port(port)
            limits = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert limits == (allowed, hard)


def test_failing_loop_ends_the_service_with_status_1() -> None:
    secret = "looks like plain words"
    with run_service(
        EXAMPLE_PORT=str(free_port()), EXAMPLE_LOOP="failing", EXAMPLE_SECRET=secret
    ) as process:
        status, lines = wait_for_exit(process)

    assert status == 1
    (line,) = map(parse_log_line, lines)
    assert "RuntimeError: http://[redacted]@host and [redacted] are no good" in line["exception"]


def test_loop_that_returns_ends_the_service() -> None:
    with run_service(EXAMPLE_PORT=str(free_port()), EXAMPLE_LOOP="ending") as process:
        assert wait_for_exit(process) == (0, [])
