"""The service as a process."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

from smart_kit.testing import local_http
from smart_kit.testing.bare_environment import bare_environment
from smart_kit.testing.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
MODULE = "google_calendar_service.src.main"
TIMEOUT_SECONDS = 120.0


@pytest.mark.parametrize(
    "command", [["-m", MODULE], ["-m", "uvicorn", f"{MODULE}:app"]], ids=["by itself", "by uvicorn"]
)
def test_service_starts_answers_and_exits(command: list[str]) -> None:
    port = str(free_port())
    port_option = ["--port", port] if "uvicorn" in command else []
    variables = {"SERVICE_API_TOKEN": "the-service-token", "GOOGLE_CALENDAR_SERVICE_PORT": port}
    process = subprocess.Popen(
        [sys.executable, *command, *port_option], env=bare_environment() | variables, cwd=ROOT
    )
    try:
        assert wait_for_health(process, f"http://127.0.0.1:{port}/health") == "ok"
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT_SECONDS) == (0 if not port_option else -signal.SIGTERM)
    finally:
        process.kill()
        process.wait()


def wait_for_health(process: subprocess.Popen[bytes], url: str) -> str:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            return str(local_http.get(url).json()["status"])
        except httpx2.ConnectError:
            time.sleep(0.02)
    raise AssertionError("the service does not listen")


@pytest.mark.parametrize("command", [["-m", MODULE], ["-m", "uvicorn", f"{MODULE}:app"]])
def test_missing_token_exits_with_one_line(command: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, *command],
        env=bare_environment() | {"SERVICE_API_TOKEN": ""},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )

    assert done.returncode == 78
    assert done.stderr == "google_calendar_service: SERVICE_API_TOKEN: Field required\n"
