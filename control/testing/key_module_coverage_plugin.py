"""A plugin of pytest: coverage is measured in the tests of the key modules, and in no others.

Measured in all tests it would take minutes more, and tell nothing of the processes they start.
"""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from control.testing import key_modules

_TEST_PATHS = pytest.StashKey[frozenset[Path]]()


def pytest_configure(config: pytest.Config) -> None:
    """Where the tests of the key modules are."""
    modules = key_modules.read(config.rootpath)
    places = {config.rootpath / place for module in modules for place in module.tests}
    config.stash[_TEST_PATHS] = frozenset(places)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """End what pytest-cov has begun: in a worker it begins anew now, and in each pause the first
    measurement would go on."""
    controller = _get_coverage_controller(session.config)
    if controller is not None and hasattr(session.config, "workerinput"):
        controller.cov.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Pause pytest-cov for all others: its own marker `no_cover` does so without their fixtures."""
    controller = _get_coverage_controller(item.config)
    is_measured = item.config.stash[_TEST_PATHS].intersection((item.path, *item.path.parents))
    if controller is None or is_measured:
        return (yield)
    controller.pause()
    try:
        return (yield)
    finally:
        controller.resume()


def _get_coverage_controller(config: pytest.Config) -> Any:  # pytest-cov has no types
    """None with `--no-cov`."""
    return config.pluginmanager.getplugin("_cov").cov_controller
