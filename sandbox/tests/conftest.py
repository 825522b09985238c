"""The sandbox that most tests use."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.tests.sandbox_harness import SandboxHarness, run_sandbox


@pytest.fixture(autouse=True)
def no_real_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove model settings of the developer's environment."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[SandboxHarness]:
    """Start a fresh sandbox."""
    async with run_sandbox(tmp_path) as sandbox:
        yield sandbox
