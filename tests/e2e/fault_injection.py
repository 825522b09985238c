"""Injects faults into a suite that runs as processes, and reads how it looks afterwards."""

import os
import signal
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

import redis

from control.local.run_directory import PartStatus, RunDirectory
from smart_kit.mailbox.mailbox import GROUP
from smart_kit.testing import leases
from smart_kit.testing.suite import Person, Suite

SERVICES = ("rest_service", "google_calendar_service", "assistant", "cron_service", "tg_bot")
QUEUES = ("queue:to_secretary", "queue:to_telegram")
NO_RATE_LIMITS = {
    "TELEGRAM_RATE_OVERALL": "0",
    "TELEGRAM_RATE_PER_CHAT": "0",
    "TELEGRAM_RATE_PER_GROUP": "0",
}


def kill(suite: Suite, *parts: str) -> None:
    """kill -9, one after the other without a pause."""
    processes = RunDirectory(suite.state_dir).processes()
    for part in parts:
        os.kill(processes[part].pid, signal.SIGKILL)


def parts_of(suite: Suite) -> dict[str, PartStatus]:
    """What its supervisor knows."""
    return RunDirectory(suite.state_dir).status()


def restarts_of(suite: Suite) -> dict[str, int]:
    """How often each part had to be started again."""
    return {name: part.restarts for name, part in parts_of(suite).items()}


def restarts_since(before: Mapping[str, int], suite: Suite) -> dict[str, int]:
    """How often each service had to be since `restarts_of` was asked."""
    now = restarts_of(suite)
    return {name: now[name] - before.get(name, 0) for name in SERVICES}


def redis_of(suite: Suite) -> "redis.Redis":
    """Its Redis, as whoever has the password sees it."""
    return redis.Redis(
        port=int(suite.environment["REDIS_PORT"]),
        password=suite.environment["REDIS_PASSWORD"],
        decode_responses=True,
        encoding_errors="backslashreplace",
    )


def end_leases(suite: Suite) -> None:
    """Let a lease's time pass for the messages of a dead worker, instead of waiting for it."""
    with redis_of(suite) as client:
        for queue in QUEUES:
            leases.end_leases(client, queue, GROUP)


def lift_limits(suite: Suite) -> None:
    """Let the sandbox's Telegram take messages as fast as they come; beside NO_RATE_LIMITS."""
    limits = dict.fromkeys(("per_chat", "signals", "per_group", "overall"), 0)
    suite.sandbox().put("/chat/api/limits", json=limits).raise_for_status()


def send_sums(people: list[Person], numbers: range) -> None:
    """Everybody asks for sums at once, and waits for no answer."""

    def ask(person: Person) -> None:
        for number in numbers:
            person.say(f"what is {number} + 1000?")

    with ThreadPoolExecutor(len(people)) as threads:
        list(threads.map(ask, people))


def sums_answered(person: Person) -> list[int]:
    """The numbers whose sums the bot has answered, in the order of the chat."""
    told = [one["text"].split(" + 1000 = ") for one in person.messages() if one["from"] == "bot"]
    return [int(parts[0]) for parts in told if len(parts) == 2]


def without_repeats(numbers: list[int]) -> list[int]:
    """Once what came twice in a row."""
    return [number for number, _ in groupby(numbers)]
