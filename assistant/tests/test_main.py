"""The assistant as a process: its queue, its health, its shutdown."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from assistant.src import main
from assistant.src.config.settings import AssistantSettings
from assistant.src.main import _build_health
from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshot_builders import make_secretary
from smart_kit.contracts.keys import CLOCK_KEY, CONFIGURATION_CHANNEL
from smart_kit.contracts.queue import TO_TELEGRAM_ADAPTER, Reply, UserMessage
from smart_kit.mailbox import Envelope, Mailbox, Worker
from smart_kit.redis import Redis, await_result
from smart_kit.service import Loop
from smart_kit.settings import RedisSettings
from smart_kit.testing import local_http
from smart_kit.testing.bare_environment import bare_environment
from smart_kit.testing.ports import free_port
from smart_kit.testing.scripted_model import ScriptedModel
from smart_kit.vault import Vault

ROOT = Path(__file__).resolve().parents[2]


def build_environment(redis_settings: RedisSettings, **values: str) -> dict[str, str]:
    assert redis_settings.redis_password is not None
    return {
        **bare_environment(),
        "REDIS_PORT": str(redis_settings.redis_port),
        "REDIS_PASSWORD": redis_settings.redis_password.get_secret_value(),
        "SERVICE_API_TOKEN": "token-of-sixteen-letters",
        "REST_SERVICE_URL": f"http://127.0.0.1:{free_port()}",
        "ASSISTANT_PORT": str(free_port()),
        "LOG_FORMAT": "json",
        **values,
    }


@contextmanager
def run_service(variables: dict[str, str], folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Run the service in a directory without `.env`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "assistant.src.main"],
        env=variables | {"PYTHONPATH": str(ROOT)},
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def fetch_health(variables: dict[str, str]) -> dict[str, Any]:
    """Return the health report; empty while the port is closed."""
    try:
        return local_http.get(f"http://127.0.0.1:{variables['ASSISTANT_PORT']}/health").json()
    except httpx2.TransportError:
        return {}


def wait_until(condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


async def test_it_waits_for_a_configuration_answers_and_stops_on_sigterm(
    redis: Redis,
    redis_settings: RedisSettings,
    harness: AssistantHarness,
    model: ScriptedModel,
    tmp_path: Path,
) -> None:
    await redis.delete("config:snapshot")
    model.add_steps("Hello!")
    key = Fernet.generate_key().decode()
    encrypted = Vault((key,)).encrypt(harness.provider.id, "sk-secret1")
    harness.provider = harness.provider.model_copy(update={"encrypted_api_key": encrypted})
    variables = build_environment(redis_settings, LLM_MODEL_DECRYPT_KEY=key)
    with run_service(variables, tmp_path) as process:
        wait_until(lambda: fetch_health(variables).get("checks", {}).get("queue") == "ok")
        assert "configuration" in fetch_health(variables)["detail"]
        await harness.configure(make_secretary(model="some-model"))
        wait_until(lambda: fetch_health(variables)["status"] == "ok")

        message = harness.make_message("a text that must not be logged")
        mailbox = Mailbox(redis, "queue:to_secretary")
        await mailbox.enqueue(Envelope(message.id, message.conversation, message.model_dump_json()))
        waiting = f"queue:to_telegram:waiting:{message.conversation}"
        deadline = time.monotonic() + 120
        while not (replies := await await_result(redis.lrange(waiting, 0, -1))):
            assert time.monotonic() < deadline
        reply = TO_TELEGRAM_ADAPTER.validate_json(replies[0])
        assert isinstance(reply, Reply)
        assert reply.text == "Hello!"
        metrics_url = f"http://127.0.0.1:{variables['ASSISTANT_PORT']}/metrics"
        # counted after the reply is in the queue
        wait_until(lambda: "smart_assistant_messages_total{" in local_http.get(metrics_url).text)
        metrics = local_http.get(metrics_url).text

        process.send_signal(signal.SIGTERM)
        _, printed = process.communicate(timeout=60)
    assert process.returncode == 0
    lines = [json.loads(line) for line in printed.splitlines()]
    (turn,) = [line for line in lines if line["event"] == "turn ended"]
    assert (turn["correlation_id"], turn["model_calls"]) == ("correlation-1", 1)
    assert "must not be logged" not in printed
    assert "sk-secret1" not in printed
    assert key not in printed
    assert model.requests[0].headers["authorization"] == "Bearer sk-secret1"
    assert {line["level"] for line in lines} == {"info"}
    for name in ("turns_total", "model_seconds_count", "tokens_total", "messages_total"):
        assert f"smart_assistant_{name}{{" in metrics


async def serve_until_answered(
    redis: Redis,
    redis_settings: RedisSettings,
    message: UserMessage,
    monkeypatch: pytest.MonkeyPatch,
    **settings: Any,
) -> None:
    async def run_until_answered(*loops: Loop) -> None:
        stop = asyncio.Event()
        tasks = [asyncio.ensure_future(loop(stop)) for loop in loops]
        try:
            async with asyncio.timeout(30):
                while not await redis.exists(f"queue:to_telegram:waiting:{message.conversation}"):
                    await asyncio.sleep(0.01)
        finally:
            stop.set()
            await redis.publish(CONFIGURATION_CHANNEL, "")  # nobody waits for the next one
            await asyncio.gather(*tasks)

    monkeypatch.setattr(main, "run_loops", run_until_answered)
    await main.serve(
        AssistantSettings(
            **redis_settings.model_dump() | settings,
            service_api_token=SecretStr("token-of-sixteen-letters"),
            rest_service_url=f"http://127.0.0.1:{free_port()}",
            assistant_port=free_port(),
        )
    )


async def test_message_without_a_stream_entry_is_answered(
    redis: Redis,
    redis_settings: RedisSettings,
    harness: AssistantHarness,
    model: ScriptedModel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model.add_steps("Hello!")
    message = harness.make_message("Hi")
    mailbox = Mailbox(redis, "queue:to_secretary")
    await mailbox.enqueue(Envelope(message.id, message.conversation, message.model_dump_json()))
    await redis.delete(mailbox.name, f"{mailbox.name}:active")

    await serve_until_answered(redis, redis_settings, message, monkeypatch)


@pytest.mark.parametrize(("is_sandbox", "days"), [(True, 3), (False, 0)])
async def test_waiting_message_is_read_by_the_clock_that_the_sandbox_has_moved(
    redis: Redis,
    redis_settings: RedisSettings,
    harness: AssistantHarness,
    model: ScriptedModel,
    monkeypatch: pytest.MonkeyPatch,
    is_sandbox: bool,
    days: int,
) -> None:
    """Also directly after the start of the service."""
    model.add_steps("Hello!")
    message = harness.make_message("Hi")
    await redis.set(CLOCK_KEY, 3 * 86_400)
    mailbox = Mailbox(redis, "queue:to_secretary")
    await mailbox.enqueue(Envelope(message.id, message.conversation, message.model_dump_json()))

    await serve_until_answered(
        redis, redis_settings, message, monkeypatch, sandbox_clock=is_sandbox
    )

    day = message.created_at + timedelta(days=days)  # noon, the same day in all time zones nearby
    assert model.requests[0].messages[-1]["content"].startswith(f"[{day:%a %Y-%m-%d}")


def test_health_fails_when_the_queue_is_not_read(
    harness: AssistantHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(main, "time", SimpleNamespace(monotonic=lambda: 1000.0))
    worker = Worker(
        harness.mailbox, harness.redis, harness.handle, harness.orchestrator.on_dead_letter
    )
    probes = _build_health(worker, harness.configuration)
    assert probes.report()["checks"]["queue"] == "The queue has not been read yet."

    worker.last_read_at = 1000.0 - 29
    assert probes.report()["status"] == "ok"
    worker.last_read_at = 1000.0 - 31
    assert probes.report()["checks"]["queue"] == "The queue was last read 31 s ago."


def test_invalid_master_key_ends_the_process_with_one_line(
    redis_settings: RedisSettings, tmp_path: Path
) -> None:
    variables = build_environment(redis_settings, LLM_MODEL_DECRYPT_KEY="short")
    with run_service(variables, tmp_path) as process:
        _, printed = process.communicate(timeout=60)

    assert process.returncode == 78
    (line,) = printed.splitlines()
    assert "LLM_MODEL_DECRYPT_KEY" in line
