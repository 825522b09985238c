"""What tests of tools of type rest share."""

import pytest

from assistant.tests.tools.outside import Server


@pytest.fixture
def server() -> Server:
    return Server()
