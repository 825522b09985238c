"""One suite for all stories that do not stop or break it, in the mode that is being tested."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from smart_kit.testing.suite import MODE, Suite


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    running = Suite(tmp_path_factory.mktemp("suite"), mode=MODE)
    try:
        running.manage("start")
        yield running
        running.check_calls()
    finally:  # also where it did not start
        running.remove()


@pytest.fixture
def own_suite(tmp_path: Path) -> Iterator[Suite]:
    """A suite that a test may stop and break as it likes; the test starts it."""
    mine = Suite(tmp_path / "state")
    yield mine
    mine.remove()
