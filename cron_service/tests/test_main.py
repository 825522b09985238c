"""The process of the service."""

import asyncio
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from cron_service.tests.fake_rest_service import TOKEN, FakeRestService
from cron_service.tests.queue_reader import wait_for_notifications
from cron_service.tests.running import TIMEOUT_SECONDS, wait_until
from smart_kit.contracts.keys import ACTIVE_BOT_KEY, CLOCK_CHANNEL, CLOCK_KEY, CRON_CHANNEL
from smart_kit.contracts.queue import BotIdentity
from smart_kit.redis import Redis
from smart_kit.settings import RedisSettings
from smart_kit.testing import local_http
from smart_kit.testing.bare_environment import bare_environment
from smart_kit.testing.ports import free_port
from smart_kit.testing.servers import PASSWORD

ROOT = Path(__file__).resolve().parents[2]
DAY_SECONDS = 86_400


class CronService:
    """A running process."""

    def __init__(self, process: Process, url: str) -> None:
        self._process = process
        self._url = url

    async def read_health(self) -> dict[str, Any]:
        response = await asyncio.to_thread(local_http.get, f"{self._url}/health")
        return dict(response.json())

    async def wait_for_status(self, status: str) -> dict[str, Any]:
        """Return the report of /health once it has this status."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while True:
                try:
                    if (health := await self.read_health())["status"] == status:
                        return health
                except httpx2.TransportError:  # it does not listen yet
                    pass
                await asyncio.sleep(0.005)

    async def read_metrics(self) -> str:
        return str((await asyncio.to_thread(local_http.get, f"{self._url}/metrics")).text)

    async def stop(self) -> tuple[int | None, str]:
        """Stop it, and return its exit status and its log."""
        self._process.send_signal(signal.SIGTERM)
        _, stderr = await asyncio.wait_for(self._process.communicate(), TIMEOUT_SECONDS)
        return self._process.returncode, stderr.decode()


@asynccontextmanager
async def start_cron_service(
    rest_service: FakeRestService, redis: RedisSettings, **variables: str
) -> AsyncIterator[CronService]:
    port = free_port()
    variables |= {
        "LOG_FORMAT": "json",
        "CRON_SERVICE_PORT": str(port),
        "REST_SERVICE_URL": rest_service.url,
        "SERVICE_API_TOKEN": TOKEN,
        "REDIS_PORT": str(redis.redis_port),
        "REDIS_PASSWORD": PASSWORD,
        "REDIS_QUEUE_TO_TELEGRAM": "to_telegram",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "cron_service.app.main",
        env=bare_environment() | variables,
        cwd=ROOT,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield CronService(process, f"http://127.0.0.1:{port}")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_process_is_healthy_delivers_and_exits(
    rest_service: FakeRestService, redis: Redis, redis_settings: RedisSettings, bot: BotIdentity
) -> None:
    rest_service.add_run("stretch")
    async with start_cron_service(rest_service, redis_settings) as service:
        (message,) = await wait_for_notifications(redis, 1)
        health = await service.wait_for_status("ok")
        metrics = await service.read_metrics()
        exit_status, log = await service.stop()

    assert health["checks"] == {"jobs": "ok"}
    assert rest_service.reported_run_ids == [message.run_id]
    assert 'smart_assistant_cron_dispatched_total{type="reminder"} 1.0' in metrics
    assert "smart_assistant_cron_overdue_seconds 0.0" in metrics
    assert exit_status == 0
    assert message.correlation_id in log


async def test_overdue_job_shows_in_health_and_metrics(
    rest_service: FakeRestService, redis: Redis, redis_settings: RedisSettings, bot: BotIdentity
) -> None:
    async with start_cron_service(rest_service, redis_settings) as service:
        await service.wait_for_status("ok")
        rest_service.add_run("stretch", in_seconds=-600)
        rest_service.runs[0].is_locked = True
        await redis.publish(CRON_CHANNEL, "changed")
        health = await service.wait_for_status("unavailable")
        metrics = await service.read_metrics()

    assert health["checks"]["jobs"].startswith("the most overdue job is 60")
    assert "smart_assistant_cron_overdue_seconds 60" in metrics


async def test_moved_clock_delivers_what_is_due_by_then(
    rest_service: FakeRestService, redis: Redis, redis_settings: RedisSettings
) -> None:
    """In a sandbox, here before tg_bot has started."""
    rest_service.add_run("tomorrow", in_seconds=DAY_SECONDS)
    async with start_cron_service(rest_service, redis_settings, SANDBOX_CLOCK="1") as service:
        health = await service.wait_for_status("ok")
        assert health["note"] == "jobs wait until tg_bot says which bot it serves"
        await redis.set(ACTIVE_BOT_KEY, BotIdentity(id=42, username="a_bot").model_dump_json())
        rest_service.clock_ahead = timedelta(seconds=DAY_SECONDS)
        await redis.set(CLOCK_KEY, DAY_SECONDS)
        await redis.publish(CLOCK_CHANNEL, "moved")
        (message,) = await wait_for_notifications(redis, 1)
        await wait_until(lambda: bool(rest_service.lists))

    assert message.text == "tomorrow"
    assert datetime.fromisoformat(rest_service.lists[0]["due_before"]) > rest_service.now()
