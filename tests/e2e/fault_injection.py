"""Kills components of a local suite, and reads its state: health, processes, Redis, chats."""

import os
import signal
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

import redis

from control.local.run_directory import ComponentStatus, RunDirectory
from smart_kit.mailbox.mailbox import GROUP
from smart_kit.testing import leases
from smart_kit.testing.suite_harness import SandboxUser, SuiteHarness, wait_until

SERVICES = ("rest_service", "google_calendar_service", "assistant", "cron_service", "tg_bot")
QUEUES = ("queue:to_secretary", "queue:to_telegram")
NO_RATE_LIMITS = {
    "TELEGRAM_RATE_OVERALL": "0",
    "TELEGRAM_RATE_PER_CHAT": "0",
    "TELEGRAM_RATE_PER_GROUP": "0",
}
"""Settings that switch off the rate limits of tg_bot; use them with `disable_rate_limits`."""


def kill_components(suite: SuiteHarness, *components: str) -> None:
    """Send SIGKILL to the components, one after the other without a pause."""
    pids = get_pids(suite)
    for component in components:
        os.kill(pids[component], signal.SIGKILL)


def wait_until_healthy(suite: SuiteHarness) -> None:
    """Wait until every component of the suite is healthy."""
    wait_until(lambda: suite.try_manage("status").returncode == 0)


def get_pids(suite: SuiteHarness) -> dict[str, int]:
    processes = RunDirectory(suite.state_dir).find_processes()
    return {name: process.pid for name, process in processes.items()}


def get_component_statuses(suite: SuiteHarness) -> dict[str, ComponentStatus]:
    """Return the status that the supervisor has recorded for each component."""
    return RunDirectory(suite.state_dir).read_status()


def get_restart_counts(suite: SuiteHarness) -> dict[str, int]:
    """Return how often the supervisor has restarted each component."""
    return {name: status.restarts for name, status in get_component_statuses(suite).items()}


def count_restarts_since(before: Mapping[str, int], suite: SuiteHarness) -> dict[str, int]:
    """Return the restarts of each service since `before`, a result of `get_restart_counts`."""
    now = get_restart_counts(suite)
    return {name: now[name] - before.get(name, 0) for name in SERVICES}


def connect_redis(suite: SuiteHarness) -> "redis.Redis":
    """Return a client of the suite's Redis. The caller closes it."""
    return redis.Redis(
        port=int(suite.environment["REDIS_PORT"]),
        password=suite.environment["REDIS_PASSWORD"],
        decode_responses=True,
        encoding_errors="backslashreplace",
    )


def read_sandbox_token(suite: SuiteHarness) -> str:
    """Return the Telegram token of the sandbox's bot, which manage.py has generated."""
    lines = (suite.state_dir / "secrets.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)["SANDBOX_TELEGRAM_TOKEN"]


def expire_leases(suite: SuiteHarness) -> None:
    """Expire the leases of all messages, instead of waiting for those of a killed worker."""
    with connect_redis(suite) as client:
        for queue in QUEUES:
            leases.expire_leases(client, queue, GROUP)


def disable_rate_limits(suite: SuiteHarness) -> None:
    """Switch off the rate limits of the sandbox's Telegram."""
    limits = dict.fromkeys(("per_chat", "chat_actions", "per_group", "overall"), 0)
    suite.make_sandbox_client().put("/chat/api/limits", json=limits).raise_for_status()


def send_sum_questions(users: list[SandboxUser], numbers: range) -> None:
    """Send a question per number for all users at once, without waiting for answers."""

    def send_all(user: SandboxUser) -> None:
        for number in numbers:
            user.send(f"what is {number} + 1000?")

    with ThreadPoolExecutor(len(users)) as threads:
        list(threads.map(send_all, users))


def get_answered_sums(user: SandboxUser) -> list[int]:
    """Return the numbers of the answered questions, in the order of the answers."""
    answers = [text.split(" + 1000 = ") for text in user.get_bot_texts()]
    return [int(parts[0]) for parts in answers if len(parts) == 2]


def collapse_repeats(numbers: list[int]) -> list[int]:
    """Replace each run of equal numbers by one."""
    return [number for number, _ in groupby(numbers)]
