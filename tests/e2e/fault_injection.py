"""Injects faults into a suite that runs as processes, and reads how it looks afterwards."""

import os
import signal
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

import redis

from control.local.run_directory import ComponentStatus, RunDirectory
from smart_kit.mailbox.mailbox import GROUP
from smart_kit.testing import leases
from smart_kit.testing.suite_harness import SandboxUser, SuiteHarness

SERVICES = ("rest_service", "google_calendar_service", "assistant", "cron_service", "tg_bot")
QUEUES = ("queue:to_secretary", "queue:to_telegram")
NO_RATE_LIMITS = {
    "TELEGRAM_RATE_OVERALL": "0",
    "TELEGRAM_RATE_PER_CHAT": "0",
    "TELEGRAM_RATE_PER_GROUP": "0",
}


def kill_components(suite: SuiteHarness, *components: str) -> None:
    """kill -9, one after the other without a pause."""
    processes = RunDirectory(suite.state_dir).find_processes()
    for part in components:
        os.kill(processes[part].pid, signal.SIGKILL)


def get_component_statuses(suite: SuiteHarness) -> dict[str, ComponentStatus]:
    """What its supervisor knows."""
    return RunDirectory(suite.state_dir).read_status()


def get_restart_counts(suite: SuiteHarness) -> dict[str, int]:
    """How often each part had to be started again."""
    return {name: part.restarts for name, part in get_component_statuses(suite).items()}


def count_restarts_since(before: Mapping[str, int], suite: SuiteHarness) -> dict[str, int]:
    """How often each service had to be since `restarts_of` was asked."""
    now = get_restart_counts(suite)
    return {name: now[name] - before.get(name, 0) for name in SERVICES}


def connect_redis(suite: SuiteHarness) -> "redis.Redis":
    """Its Redis, as whoever has the password sees it."""
    return redis.Redis(
        port=int(suite.environment["REDIS_PORT"]),
        password=suite.environment["REDIS_PASSWORD"],
        decode_responses=True,
        encoding_errors="backslashreplace",
    )


def expire_leases(suite: SuiteHarness) -> None:
    """Let a lease's time pass for the messages of a dead worker, instead of waiting for it."""
    with connect_redis(suite) as client:
        for queue in QUEUES:
            leases.expire_leases(client, queue, GROUP)


def disable_rate_limits(suite: SuiteHarness) -> None:
    """Let the sandbox's Telegram take messages as fast as they come; beside NO_RATE_LIMITS."""
    limits = dict.fromkeys(("per_chat", "chat_actions", "per_group", "overall"), 0)
    suite.make_sandbox_client().put("/chat/api/limits", json=limits).raise_for_status()


def send_sum_questions(users: list[SandboxUser], numbers: range) -> None:
    """Everybody asks for sums at once, and waits for no answer."""

    def send_all(person: SandboxUser) -> None:
        for number in numbers:
            person.send(f"what is {number} + 1000?")

    with ThreadPoolExecutor(len(users)) as threads:
        list(threads.map(send_all, users))


def get_answered_sums(person: SandboxUser) -> list[int]:
    """The numbers whose sums the bot has answered, in the order of the chat."""
    answers = [
        one["text"].split(" + 1000 = ") for one in person.get_messages() if one["from"] == "bot"
    ]
    return [int(parts[0]) for parts in answers if len(parts) == 2]


def collapse_repeats(numbers: list[int]) -> list[int]:
    """Once what came twice in a row."""
    return [number for number, _ in groupby(numbers)]
