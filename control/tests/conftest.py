"""Fixtures for folders, suites and terminals."""

import io
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from control import health
from control.docker import timeouts as docker_timeouts
from control.local import postgres, valkey
from control.local import timeouts as local_timeouts
from control.terminal import Terminal
from control.tests.database_template import ODD_NAME, DatabaseTemplate
from control.tests.fake_docker import FakeDocker
from control.tests.fake_suite import FakeSuite

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_SECONDS = 60.0
"""Seconds after which a process of a busy machine must have answered."""


@pytest.fixture(autouse=True)
def _fast_polling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands in this process poll more often than for an operator, and have longer timeouts."""
    monkeypatch.setattr(local_timeouts, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(docker_timeouts, "POLL_SECONDS", 0.05)
    for limit in ("LOCK_TIMEOUT_SECONDS", "PICKUP_TIMEOUT_SECONDS"):
        monkeypatch.setattr(local_timeouts, limit, TIMEOUT_SECONDS)
    for server in (health, postgres, valkey):
        monkeypatch.setattr(server, "_TIMEOUT_SECONDS", TIMEOUT_SECONDS)


@contextmanager
def traversable_folder() -> Iterator[Path]:
    """Yield a temporary folder that every system user can pass through, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="sa-control-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def home() -> Iterator[Path]:
    """A repository that contains only the example of settings."""
    with traversable_folder() as folder:
        shutil.copy(ROOT / ".env.example", folder)
        yield folder


@pytest.fixture(scope="session")
def database_template() -> Iterator[DatabaseTemplate]:
    """A database in a folder with an odd name, to be copied by tests."""
    with traversable_folder() as folder:
        yield DatabaseTemplate.create(folder / ODD_NAME)


@pytest.fixture
def suite(home: Path) -> Iterator[FakeSuite]:
    """A suite that is stopped after the test."""
    mine = FakeSuite(home)
    yield mine
    mine.manage("stop")


@pytest.fixture
def suite_with_postgres(home: Path, database_template: DatabaseTemplate) -> Iterator[FakeSuite]:
    """A suite with its own PostgreSQL, whose database an earlier start has created."""
    mine = FakeSuite(home, has_external_postgres=False)
    database_template.copy_to(home / "state")
    yield mine
    mine.manage("stop")


@pytest.fixture
def output() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def terminal(output: io.StringIO) -> Terminal:
    """A non-interactive terminal that writes to `output`."""
    return Terminal(output, is_tty=False, colour=False)


@pytest.fixture
def docker(home: Path) -> FakeDocker:
    """A program in place of `docker`."""
    return FakeDocker(home)
