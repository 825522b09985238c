"""Folders and suites of this part's tests."""

import io
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from control.terminal import Terminal
from control.tests.fake_docker import Docker
from control.tests.fake_suite import FakeSuite

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home() -> Iterator[Path]:
    """A repository with nothing but its example of settings, where any system user may pass."""
    folder = Path(tempfile.mkdtemp(prefix="sa-control-"))
    folder.chmod(0o711)
    shutil.copy(ROOT / ".env.example", folder)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def suite(home: Path) -> Iterator[FakeSuite]:
    """A suite that is stopped after the test."""
    mine = FakeSuite(home)
    yield mine
    mine.manage("stop")


@pytest.fixture
def whole_suite(home: Path) -> Iterator[FakeSuite]:
    """The same with a PostgreSQL of its own."""
    mine = FakeSuite(home, own_postgres=False)
    yield mine
    mine.manage("stop")


@pytest.fixture
def output() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def terminal(output: io.StringIO) -> Terminal:
    """A terminal that nobody looks at; what it says is in `output`."""
    return Terminal(output, tty=False, colour=False)


@pytest.fixture
def docker(home: Path) -> Docker:
    """A program in place of `docker`."""
    return Docker(home)
