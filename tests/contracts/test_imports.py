"""What services import at their start: each library costs memory and time."""

import subprocess
import sys

import pytest

from smart_kit.testing.suite_harness import ROOT

UNUSED_AT_START = {
    "google_calendar_service.src.main": {"fastapi", "aiohttp", "httpx2", "prometheus_client"},
    "cron_service.app.main": {"fastapi", "aiohttp"},
    "tg_bot.src.main": {"fastapi", "httpx2", "uvicorn"},
    "rest_service.app.main": {"aiohttp", "alembic"},
    "rest_service.app.migrate": {"sqlalchemy", "alembic"},
}


@pytest.mark.parametrize("module", UNUSED_AT_START)
def test_start_imports_no_library_that_it_does_not_need(module: str) -> None:
    code = f"import {module}, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert UNUSED_AT_START[module].isdisjoint(done.stdout.split())
