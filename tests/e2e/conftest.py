"""One suite for all stories that do not stop or break it, in the mode that is being tested.

Stories that need more have a suite of their own, as processes of this machine: such a test is slow.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from control import replicas
from smart_kit.testing.suite_harness import DEFAULT_MODE, SuiteHarness, wait_until
from tests.e2e.fault_injection import NO_RATE_LIMITS, disable_rate_limits, get_component_statuses

DEDICATED_SUITE_FIXTURES = frozenset({"own_suite", "module_suite"})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what has a suite of its own."""
    for item in items:
        if DEDICATED_SUITE_FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("slow")
            item.add_marker("local")


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SuiteHarness]:
    """Of the stories in tests/e2e/shared, all told by one process: each leaves it as it was."""
    running = SuiteHarness(tmp_path_factory.mktemp("suite"), NO_RATE_LIMITS, mode=DEFAULT_MODE)
    try:
        running.manage("start")
        disable_rate_limits(running)
        yield running
        running.assert_no_api_violations()
    finally:  # also where it did not start
        running.remove()


@pytest.fixture
def fresh_suite(tmp_path: Path) -> Iterator[SuiteHarness]:
    """A suite that a test may stop and break as it likes; the test starts it."""
    mine = SuiteHarness(tmp_path / "state")
    yield mine
    mine.remove()


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    """Of `module_suite`; a file whose stories need others has a fixture of this name."""
    return {}


@pytest.fixture(scope="module")
def module_suite(
    tmp_path_factory: pytest.TempPathFactory, settings: dict[str, str]
) -> Iterator[SuiteHarness]:
    """A suite that the stories of one file stop and break, one after the other."""
    mine = SuiteHarness(tmp_path_factory.mktemp("suite") / "state", settings)
    yield mine
    mine.remove()


@pytest.fixture
def running_suite(module_suite: SuiteHarness) -> SuiteHarness:
    """The same, with everything well, whatever the story before has left.

    What was killed begins afresh: else it would pause the longer before it starts again.
    """
    if not module_suite.find_pids():
        module_suite.manage("start")
        return module_suite
    module_suite.try_manage("start")  # not well where something has just been killed
    parts = get_component_statuses(module_suite).items()
    killed = sorted(
        {replicas.parse_service_name(name) for name, part in parts if part.consecutive_failures}
    )
    if killed:
        module_suite.manage("restart", *(f"--service={name}" for name in killed))
    wait_until(lambda: module_suite.try_manage("status").returncode == 0, seconds=60)
    return module_suite
