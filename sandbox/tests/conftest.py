"""The sandbox that most tests talk to."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.tests.running import Sandbox, running


@pytest.fixture(autouse=True)
def no_real_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """The developer's own variables change nothing."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    """A fresh sandbox."""
    async with running(tmp_path) as sandbox:
        yield sandbox
