"""Shortens the back-off between attempts."""

import pytest

from smart_kit import backoff


@pytest.fixture(autouse=True)
def _fast_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "INITIAL_DELAY_SECONDS", 0.01)
