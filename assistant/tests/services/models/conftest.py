"""A model that fails is asked again without a wait."""

import pytest

from assistant.src.services.models.resilience import retry_policy


@pytest.fixture(autouse=True)
def _fast_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry_policy, "BACKOFF_SECONDS", 0.01)
