"""Fixtures for tests of tools of type rest."""

import pytest

from assistant.tests.tools.rest_tool_harness import FakeServer


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()
