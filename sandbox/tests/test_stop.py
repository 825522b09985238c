"""Stopping is quick and cuts nobody off in the middle."""

import asyncio
from pathlib import Path

import pytest

from sandbox.tests.sandbox_harness import CHAT_TOKEN, running_sandbox

SOON = 5.0


@pytest.mark.clock("virtual")
async def test_who_waits_is_answered_at_once_when_the_sandbox_stops(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    headers = {"Authorization": f"Bearer {CHAT_TOKEN}"}
    async with running_sandbox(tmp_path) as sandbox:
        events = await sandbox.http.get(f"{sandbox.url}/chat/events", headers=headers)
        poll = asyncio.create_task(sandbox.bot("getUpdates", timeout=50))
        for _ in range(3):
            await sandbox.bot("getMe")
        begun = loop.time()
        reading = asyncio.create_task(events.read())
        await asyncio.sleep(0)
        stopped = asyncio.create_task(_both(poll, reading))
    assert await stopped == ([], True)
    assert loop.time() - begun < SOON


async def _both(
    poll: asyncio.Task[list[object]], reading: asyncio.Task[bytes]
) -> tuple[object, bool]:
    return await poll, (await reading).startswith(b"retry:")
