"""The service as a process."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rest_service.app.config import Settings
from rest_service.tests.api_helpers import Sql
from smart_kit.testing import local_http
from smart_kit.testing.bare_environment import bare_environment
from smart_kit.testing.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
STOP_SECONDS = 60
Environment = dict[str, str]


@pytest.fixture
def environment(settings: Settings) -> Environment:
    password = settings.redis_password
    return {
        "DATABASE_URL": settings.database_url,
        "ASYNC_DATABASE_URL": settings.async_database_url,
        "REDIS_PORT": str(settings.redis_port),
        "REDIS_PASSWORD": password.get_secret_value() if password else "",
        "REST_SERVICE_PORT": str(free_port()),
        "ADMIN_API_TOKEN": settings.admin_api_token.get_secret_value(),
        "SERVICE_API_TOKEN": settings.service_api_token.get_secret_value(),
    }


@contextmanager
def run_service(environment: Environment, *command: str) -> Iterator[subprocess.Popen[str]]:
    arguments = command or ("-m", "rest_service.app.main")
    with subprocess.Popen(
        [sys.executable, *arguments],
        env=bare_environment() | environment,
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for_health(
    environment: Environment, is_wanted: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """Wait for a health report that meets the condition."""
    deadline = time.monotonic() + 120
    report: dict[str, Any] = {}
    while time.monotonic() < deadline:
        try:
            answer = local_http.get(f"http://127.0.0.1:{environment['REST_SERVICE_PORT']}/health")
        except httpx2.TransportError:
            time.sleep(0.05)
            continue
        report = answer.json() | {"code": answer.status_code}
        if is_wanted(report):
            return report
        time.sleep(0.05)
    raise AssertionError(f"never healthy enough: {report}")


def is_healthy(report: dict[str, Any]) -> bool:
    return bool(report["status"] == "ok")


@pytest.mark.usefixtures("engine", "redis")
def test_service_becomes_healthy_answers_and_stops_on_sigterm(environment: Environment) -> None:
    with run_service(environment) as process:
        assert wait_for_health(environment, is_healthy)["code"] == 200
        answer = local_http.get(
            f"http://127.0.0.1:{environment['REST_SERVICE_PORT']}/api/assistants",
            headers={"Authorization": f"Bearer {environment['SERVICE_API_TOKEN']}"},
        )
        assert [line["name"] for line in answer.json()["items"]] == ["Secretary", "Writer"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_SECONDS) == 0


@pytest.mark.slow
@pytest.mark.usefixtures("engine", "redis")
def test_uvicorn_command_works(environment: Environment) -> None:
    port = environment["REST_SERVICE_PORT"]
    command = ("-m", "uvicorn", "rest_service.app.main:app", "--port", port)
    with run_service(environment, *command) as process:
        wait_for_health(environment, is_healthy)
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_SECONDS) in (0, -signal.SIGTERM)


@pytest.mark.slow
def test_service_waits_for_databases_and_names_missing_ones(environment: Environment) -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    away = {
        "ASYNC_DATABASE_URL": f"postgresql+asyncpg://u:p@{nowhere}/d",
        "REDIS_PORT": str(free_port()),
    }
    with run_service(environment | away) as process:
        report = wait_for_health(
            environment, lambda health: "reached" in health["checks"]["postgres"]
        )
        assert report["code"] == 503
        assert report["checks"]["redis"] != "ok"
        assert "postgres" in report["detail"]
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_SECONDS) == 0


def test_invalid_environment_is_one_line_without_traceback(environment: Environment) -> None:
    with run_service(environment | {"ADMIN_API_TOKEN": "short"}) as process:
        _, stderr = process.communicate(timeout=STOP_SECONDS)

    assert process.returncode == 78
    assert "ADMIN_API_TOKEN" in stderr
    assert len(stderr.strip().splitlines()) == 1


@pytest.mark.slow
@pytest.mark.usefixtures("engine", "redis")
async def test_unstorable_defaults_exit_with_one_line(environment: Environment, sql: Sql) -> None:
    await sql(
        "INSERT INTO tools (id, created_at, updated_at, name, tool_type, description, is_active)"
        " VALUES (gen_random_uuid(), now(), now(), 'get_time', 'time', '', true)"
    )
    with run_service(environment) as process:
        _, stderr = process.communicate(timeout=STOP_SECONDS)

    assert process.returncode == 78, stderr
    (line,) = [line for line in stderr.splitlines() if "service cannot start" in line]
    assert "uq_tools_name" in line
    assert "DEFAULT_MODEL" in line
    assert "Traceback" not in stderr


def test_importing_main_reads_no_environment() -> None:
    code = "import rest_service.app.main"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=bare_environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
