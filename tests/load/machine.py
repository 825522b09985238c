"""Facts about the machine and the code, without which figures mean nothing."""

import os
import platform
import re
import subprocess
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg2

from smart_kit.testing.suite_harness import ROOT, SuiteHarness
from tests.e2e.fault_injection import connect_redis

_OWNER = "smart_assistant"
"""The name of the user of Postgres, and of the database."""


def describe_machine() -> dict[str, Any]:
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": read_commit(),
        "cores": len(os.sched_getaffinity(0)),
        "cpu": _search(Path("/proc/cpuinfo"), r"(?m)^model name\s*: (.+)$") or platform.machine(),
        "memory_mb": int(_search(Path("/proc/meminfo"), r"(?m)^MemTotal: +(\d+)")) // 1024,
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def describe_databases(suite: SuiteHarness) -> dict[str, str]:
    with closing(connect_postgres(suite)) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        (postgres,) = cursor.fetchone()
    with connect_redis(suite) as client:
        info = client.info("server")
    return {
        "postgres": str(postgres).split()[0],
        "valkey": str(info.get("valkey_version") or info["redis_version"]),
    }


def connect_postgres(suite: SuiteHarness) -> Any:
    """Return a connection of psycopg2 to the suite's database. The caller closes it."""
    connection = psycopg2.connect(
        host="127.0.0.1",
        port=suite.environment["POSTGRES_PORT"],
        user=_OWNER,
        dbname=_OWNER,
        password=suite.environment["POSTGRES_PASSWORD"],
    )
    connection.autocommit = True
    return connection


def read_commit() -> str:
    """Return the short id of the commit, marked if files are changed; empty without git."""
    command = ("git", "describe", "--always", "--dirty", "--exclude=*")
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip()


def _search(file: Path, pattern: str) -> str:
    found = re.search(pattern, file.read_text())
    return found[1] if found else ""
