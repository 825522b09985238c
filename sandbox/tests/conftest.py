"""The sandbox that most tests talk to."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.tests.sandbox_harness import SandboxHarness, run_sandbox


@pytest.fixture(autouse=True)
def no_real_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """The developer's own variables change nothing."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[SandboxHarness]:
    """A fresh sandbox."""
    async with run_sandbox(tmp_path) as sandbox:
        yield sandbox
