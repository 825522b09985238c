"""tg_bot as a process."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from smart_kit.contracts.keys import bot_lease_key, journal_key
from smart_kit.redis import Redis, await_result
from smart_kit.settings import RedisSettings
from smart_kit.testing.bare_environment import bare_environment
from smart_kit.testing.fake_telegram import TOKEN, FakeTelegram, ScriptedApiResponse, make_api_error
from smart_kit.testing.ports import free_port
from smart_kit.testing.suite_harness import ROOT
from tg_bot.tests import updates
from tg_bot.tests.bot_on_movable_clock import CLOCK_OFFSET_FILE
from tg_bot.tests.queue_contents import enqueue_to_telegram
from tg_bot.tests.queue_messages import BOT_ID, make_reply

StartProcess = Callable[..., "BotProcess"]


class BotProcess:
    """A running tg_bot and its output."""

    def __init__(self, module: str, environment: dict[str, str], log: Path) -> None:
        self._log = log
        self._clock_offset = log.with_suffix(".ahead")
        self._clock_offset.write_text("0")
        self.url = f"http://127.0.0.1:{environment['TG_BOT_PORT']}"
        with log.open("wb") as output:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", module],
                env=environment | {CLOCK_OFFSET_FILE: str(self._clock_offset)},
                cwd=ROOT,
                stdout=output,
                stderr=output,
            )

    @property
    def output(self) -> str:
        return self._log.read_text()

    async def health(self) -> dict[str, object]:
        async with httpx2.AsyncClient(timeout=60, trust_env=False) as http:
            return (await http.get(f"{self.url}/health")).json()  # type: ignore[no-any-return] # JSON

    def suspend_and_advance_clock(self, seconds: float) -> None:
        """Send SIGSTOP and move the clock ahead; the process sees that when it gets SIGCONT."""
        self.popen.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.popen.pid, os.WSTOPPED)
        self._clock_offset.write_text(str(seconds))


@pytest.fixture
def start_process(
    tmp_path: Path, telegram: FakeTelegram, redis_settings: RedisSettings
) -> Iterator[StartProcess]:
    started: list[BotProcess] = []

    def start(module: str = "tg_bot.src.main", **changes: str) -> BotProcess:
        assert redis_settings.redis_password is not None
        environment = {
            **bare_environment(),
            "TELEGRAM_TOKEN": TOKEN,
            "TELEGRAM_API_URL": telegram.url,
            "TELEGRAM_ALLOWED_USERS": "*",
            "SERVICE_API_TOKEN": "service-token-of-no-worth",
            "REST_SERVICE_URL": f"http://127.0.0.1:{free_port()}",
            "REDIS_PORT": str(redis_settings.redis_port),
            "REDIS_PASSWORD": redis_settings.redis_password.get_secret_value(),
            "TG_BOT_PORT": str(free_port()),
            "LOG_LEVEL": "DEBUG",
            "LOG_FORMAT": "json",
        } | changes
        started.append(BotProcess(module, environment, tmp_path / f"{len(started)}.log"))
        return started[-1]

    yield start
    for process in started:
        process.popen.kill()
        process.popen.wait()


async def test_bot_polls_answers_and_stops(
    start_process: StartProcess, redis: object, telegram: FakeTelegram
) -> None:
    telegram.is_poll_timeout_disabled = True
    process = start_process()
    telegram.push(updates.message("/help"))
    await telegram.wait_until(lambda: bool(telegram.sent) and not telegram.updates, seconds=120)
    assert (await process.health())["status"] == "ok"

    process.popen.send_signal(signal.SIGTERM)
    assert process.popen.wait(timeout=60) == 0
    assert "did not stop in time" not in process.output, "it does not wait for its poll"
    assert "Traceback" not in process.output


async def test_correlation_id_connects_update_and_reply(
    start_process: StartProcess, redis: object, telegram: FakeTelegram
) -> None:
    process = start_process()
    update = updates.message("/help")
    telegram.push(update)
    await telegram.wait_until(lambda: bool(telegram.sent), seconds=120)
    process.popen.send_signal(signal.SIGTERM)
    process.popen.wait(timeout=60)

    mark = f'"correlation_id": "tg:424242:{update["update_id"]}"'
    lines = [line for line in process.output.splitlines() if mark in line]
    assert any('"event": "update handled"' in line for line in lines)
    assert any('"event": "message sent"' in line for line in lines)


@pytest.mark.slow
async def test_token_is_never_logged(
    start_process: StartProcess, redis: object, telegram: FakeTelegram
) -> None:
    html = ScriptedApiResponse(502, "<html>no</html>")
    telegram.script_responses(
        "getMe", ScriptedApiResponse(disconnect="before"), html, make_api_error(500, "no")
    )
    telegram.script_responses(
        "getUpdates",
        ScriptedApiResponse(disconnect="before"),
        html,
        make_api_error(409, "Conflict: other"),
    )
    telegram.script_responses(
        "sendMessage",
        ScriptedApiResponse(disconnect="before"),
        make_api_error(400, "Bad Request: no"),
    )
    telegram.push(updates.message("/help"), updates.message("/help", telegram_id=8))
    process = start_process()
    await telegram.wait_until(lambda: len(telegram.calls_to("sendMessage")) >= 2, seconds=60)
    unused_address = f"http://127.0.0.1:{free_port()}"
    unreachable = start_process(
        TELEGRAM_API_URL=unused_address, TELEGRAM_TOKEN="424243:" + "Wrong" * 7
    )
    wrong = start_process(TELEGRAM_TOKEN="424244:" + "Wrong" * 7)
    async with asyncio.timeout(60):
        while "refuses the token" not in wrong.output or "cannot connect" not in unreachable.output:
            await asyncio.sleep(0.1)
    for bot in (process, unreachable, wrong):
        assert bot.output
        assert TOKEN.partition(":")[2] not in bot.output
        assert "WrongWrong" not in bot.output


@pytest.mark.slow
async def test_second_process_takes_over_after_a_kill(
    start_process: StartProcess, redis: Redis, telegram: FakeTelegram
) -> None:
    first, _ = await start_leader_and_standby(start_process, telegram)
    assert {call.path_prefix for call in telegram.calls} == {"first"}

    first.popen.kill()
    first.popen.wait()
    await expire_lease(redis)
    telegram.push(updates.message("/help"))
    await telegram.wait_until(lambda: bool(telegram.sent), seconds=120)
    assert [call.path_prefix for call in telegram.sent] == ["second"]


@pytest.mark.slow
async def test_suspended_process_sends_nothing_after_it_resumes(
    start_process: StartProcess, redis: Redis, telegram: FakeTelegram
) -> None:
    """The process is suspended in the middle of an answer, while it waits for the rate limit."""
    telegram.is_poll_timeout_disabled = True
    message = make_reply("\n".join(f"line {n}" for n in range(2000)))
    # three go at once, and the fourth after a thousand seconds
    first, _ = await start_leader_and_standby(
        start_process, telegram, TELEGRAM_RATE_PER_CHAT="0.001"
    )
    await enqueue_to_telegram(redis, message)
    async with asyncio.timeout(60):
        while await await_result(redis.hlen(journal_key(message.id))) < 3:
            await asyncio.sleep(0.01)
    first.suspend_and_advance_clock(seconds=3600)
    await expire_lease(redis)
    await telegram.wait_until(
        lambda: telegram.conflicts == 1, seconds=60
    )  # the first one's last poll

    first.popen.send_signal(signal.SIGCONT)
    await wait_until_standby(first)
    await telegram.wait_until(lambda: len(telegram.sent) == 5, seconds=120)
    assert "\n".join(telegram.sent_texts(7)) == message.text
    assert [call.path_prefix for call in telegram.sent] == ["first"] * 3 + ["second"] * 2
    assert telegram.conflicts == 1


async def start_leader_and_standby(
    start_process: StartProcess, telegram: FakeTelegram, **changes: str
) -> tuple[BotProcess, BotProcess]:
    """The first process serves the bot, the second is on standby."""
    module = "tg_bot.tests.bot_on_movable_clock"
    first = start_process(module, TELEGRAM_API_URL=f"{telegram.url}/first", **changes)
    await telegram.wait_until(lambda: bool(telegram.calls_to("getUpdates")), seconds=120)
    second = start_process(module, TELEGRAM_API_URL=f"{telegram.url}/second", **changes)
    await wait_until_standby(second)
    return first, second


async def expire_lease(redis: Redis) -> None:
    """Delete the lease, as Redis does when it expires."""
    key = bot_lease_key(BOT_ID)
    assert await redis.pttl(key) > 0
    await redis.delete(key)


async def wait_until_standby(process: BotProcess) -> None:
    """Wait until the process is on standby and healthy."""
    async with asyncio.timeout(120):
        while True:
            try:
                health = await process.health()
            except httpx2.TransportError:  # not listening yet
                health = {}
            is_idle = "stands by: another tg_bot serves this bot" in str(health.get("note"))
            if is_idle and health["status"] == "ok":
                return
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"TELEGRAM_TOKEN": "nonsense"}, "TELEGRAM_TOKEN"),
        ({"TELEGRAM_ALLOWED_USERS": "@anna"}, "'@anna' is not a Telegram id"),
        ({"SERVICE_API_TOKEN": ""}, "SERVICE_API_TOKEN"),
    ],
)
def test_invalid_setting_is_reported_in_one_line(
    start_process: StartProcess, changes: dict[str, str], word: str
) -> None:
    process = start_process(**changes)
    assert process.popen.wait(timeout=60) == 78
    assert len(process.output.splitlines()) == 1
    assert word in process.output
