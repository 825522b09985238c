"""Starts a disposable rest_service: a process with a database that is dropped afterwards."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx2
from alembic import command
from sqlalchemy import NullPool, create_engine, text

from rest_service.tests.api_helpers import (
    ADMIN_TOKEN,
    MASTER_KEYS,
    SERVICE_TOKEN,
    alembic_config,
    make_example,
)
from smart_kit.contracts.examples import EXAMPLE_IDS
from smart_kit.testing import local_http
from smart_kit.testing.bare_environment import bare_environment
from smart_kit.testing.ports import free_port
from smart_kit.testing.servers import Postgres, Valkey

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_SECONDS = 60.0
UNREACHABLE_PROXY = "http://127.0.0.1:9"
"""Used as a proxy, so that requests to generated provider URLs never leave the machine."""
REDIS_DB = 7
"""A database number that other users of the server do not use."""


@contextmanager
def run_disposable_service(postgres: Postgres, valkey: Valkey) -> Iterator[str]:
    """Yield the URL. It has example records, those of `EXAMPLE_IDS` under these ids."""
    own = replace(postgres, name=f"{postgres.name}_disposable")
    with _create_database(postgres, own):
        command.upgrade(alembic_config(own.sync_url), "head")
        port = free_port()
        environment = {
            "DATABASE_URL": own.sync_url,
            "ASYNC_DATABASE_URL": own.async_url,
            "REDIS_PORT": str(valkey.port),
            "REDIS_PASSWORD": valkey.password,
            "REDIS_DB": str(REDIS_DB),
            "REST_SERVICE_PORT": str(port),
            "ADMIN_API_TOKEN": ADMIN_TOKEN,
            "SERVICE_API_TOKEN": SERVICE_TOKEN,
            "LLM_MODEL_DECRYPT_KEY": ",".join(MASTER_KEYS),
            "TELEGRAM_ALLOWED_USERS": "*",
            "LOG_LEVEL": "ERROR",
            "HTTP_PROXY": UNREACHABLE_PROXY,
            "HTTPS_PROXY": UNREACHABLE_PROXY,
        }
        url = f"http://127.0.0.1:{port}"
        with _start_process(environment) as process:
            _wait_until_healthy(url, process)
            _seed_records(url, own)
            yield url


def _seed_records(url: str, own: Postgres) -> None:
    """Create one record of most resources, so that the examples of the OpenAPI document work."""
    engine = create_engine(own.sync_url, poolclass=NullPool)
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    with httpx2.Client(base_url=f"{url}/api", headers=headers, timeout=60) as http:

        def make(resource: str, **fields: object) -> str:
            answer = http.post(f"/{resource}", json=make_example(resource, 1) | fields)
            made = str(answer.raise_for_status().json()["id"])
            if resource not in EXAMPLE_IDS:
                return made
            with engine.begin() as connection:
                table = {"providers": "llm_providers"}.get(resource, resource)
                rename = text(f"UPDATE {table} SET id = :as_documented WHERE id = :made")
                connection.execute(rename, {"as_documented": EXAMPLE_IDS[resource], "made": made})
            return EXAMPLE_IDS[resource]

        person = make("users")
        for resource in ("cron-jobs", "tasks", "calendar"):
            make(resource, user_id=person)
        make("tools")
        make("threads", user_id=person, assistant_id=make("assistants"))
        make("models", provider_id=make("providers"))
        make("secrets")


@contextmanager
def _create_database(server: Postgres, own: Postgres) -> Iterator[None]:
    engine = create_engine(server.sync_url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {own.name}"))
        try:
            yield
        finally:
            connection.execute(text(f"DROP DATABASE {own.name} WITH (FORCE)"))


@contextmanager
def _start_process(environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    command_line = [sys.executable, "-m", "rest_service.app.main"]
    with subprocess.Popen(command_line, env=bare_environment() | environment, cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.terminate()


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if local_http.is_healthy(f"{url}/health"):
            return
        time.sleep(0.05)
    raise RuntimeError("rest_service does not become healthy; its lines are above")
