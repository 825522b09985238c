"""Fixtures of the end-to-end tests.

Tests in tests/e2e/shared share one suite, in the mode under test (local processes or Docker). Tests
that stop or break a suite use one of their own, always as local processes; they are marked slow.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from control import replicas
from smart_kit.testing.suite_harness import DEFAULT_MODE, SuiteHarness
from tests.e2e.fault_injection import (
    NO_RATE_LIMITS,
    disable_rate_limits,
    get_component_statuses,
    wait_until_healthy,
)

DEDICATED_SUITE_FIXTURES = frozenset({"fresh_suite", "module_suite"})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests that use a suite of their own as slow and local."""
    for item in items:
        if DEDICATED_SUITE_FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("slow")
            item.add_marker("local")


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SuiteHarness]:
    """The suite of tests/e2e/shared, without rate limits. One test process runs all those tests.

    Each test leaves the suite as it was.
    """
    shared = SuiteHarness(tmp_path_factory.mktemp("suite"), NO_RATE_LIMITS, mode=DEFAULT_MODE)
    try:
        shared.manage("start")
        disable_rate_limits(shared)
        yield shared
        shared.assert_no_api_violations()
    finally:  # also if the start failed
        shared.remove()


@pytest.fixture
def fresh_suite(tmp_path: Path) -> Iterator[SuiteHarness]:
    """A suite for one test, not yet started; the test may stop and break it."""
    dedicated = SuiteHarness(tmp_path / "state")
    yield dedicated
    dedicated.remove()


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    """The settings of `module_suite`. A module that needs others overrides this fixture."""
    return {}


@pytest.fixture(scope="module")
def module_suite(
    tmp_path_factory: pytest.TempPathFactory, settings: dict[str, str]
) -> Iterator[SuiteHarness]:
    """A suite for the tests of one module, not yet started; they may stop and break it."""
    dedicated = SuiteHarness(tmp_path_factory.mktemp("suite") / "state", settings)
    yield dedicated
    dedicated.remove()


@pytest.fixture
def running_suite(module_suite: SuiteHarness) -> SuiteHarness:
    """`module_suite`, running and healthy, whatever the previous test did to it."""
    if not module_suite.find_pids():
        module_suite.manage("start")
        return module_suite
    module_suite.try_manage("start")  # fails if a service has just been killed
    killed = {
        replicas.parse_service_name(name)
        for name, status in get_component_statuses(module_suite).items()
        if status.consecutive_failures
    }
    if killed:  # a restart resets the restart pause, which grows with each failure
        module_suite.manage("restart", *(f"--service={name}" for name in sorted(killed)))
    wait_until_healthy(module_suite)
    return module_suite
