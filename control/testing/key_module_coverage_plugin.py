"""A pytest plugin that measures coverage only in the tests of the key modules.

Measuring all tests would take minutes longer, and would not cover the processes they start.
"""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from control.testing import key_modules

_TEST_PATHS = pytest.StashKey[frozenset[Path]]()


def pytest_configure(config: pytest.Config) -> None:
    """Store the paths of the tests of the key modules."""
    modules = key_modules.read(config.rootpath)
    places = {config.rootpath / place for module in modules for place in module.tests}
    config.stash[_TEST_PATHS] = frozenset(places)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Stop the measurement of pytest-cov: in a worker it starts again now, and the first one would
    continue through each pause."""
    controller = _get_coverage_controller(session.config)
    if controller is not None and hasattr(session.config, "workerinput"):
        controller.cov.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Pause pytest-cov in other tests; its `no_cover` does not cover their fixtures."""
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
    return config.pluginmanager.getplugin("_cov").cov_controller
