"""Shortens the back-off between attempts."""

import pytest

from assistant.src.services.models import retries


@pytest.fixture(autouse=True)
def _fast_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "BACKOFF_SECONDS", 0.01)
