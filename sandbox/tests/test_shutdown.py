"""A stop answers waiting requests at once and breaks none off."""

import asyncio
from pathlib import Path

import pytest

from sandbox.tests.sandbox_harness import CHAT_TOKEN, run_sandbox

TIMEOUT_SECONDS = 5.0


@pytest.mark.clock("virtual")
async def test_pending_requests_end_at_once_when_the_sandbox_stops(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    headers = {"Authorization": f"Bearer {CHAT_TOKEN}"}
    async with run_sandbox(tmp_path) as sandbox:
        events = await sandbox.http.get(f"{sandbox.url}/chat/events", headers=headers)
        poll = asyncio.create_task(sandbox.call_bot_api("getUpdates", timeout=50))
        for _ in range(3):
            await sandbox.call_bot_api("getMe")
        started_at = loop.time()
        reading = asyncio.create_task(events.read())
        await asyncio.sleep(0)
        stopped = asyncio.create_task(_wait_both(poll, reading))
    assert await stopped == ([], True)
    assert loop.time() - started_at < TIMEOUT_SECONDS


async def _wait_both(
    poll: asyncio.Task[list[object]], reading: asyncio.Task[bytes]
) -> tuple[object, bool]:
    return await poll, (await reading).startswith(b"retry:")
