"""CPU of the whole suite per message, beside a bare aiogram echo bot with the same model server.

    python -m tests.load.cpu_per_message [--chats 20] [--messages 25]

Both bots run one after the other against one sandbox, which plays Telegram and the model and is not
counted. Each message costs one model call and no tool. aiogram gets a virtual environment of its
own, because it needs an older pydantic than ours.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from smart_kit.testing import run_folder
from smart_kit.testing.suite_harness import ROOT, SandboxUser, SuiteHarness

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
AIOGRAM_REQUIREMENTS = ("aiogram==3.31.0", "openai[aiohttp]==3.52.0")
UNLIMITED = {
    "TELEGRAM_RATE_OVERALL": "0",
    "TELEGRAM_RATE_PER_CHAT": "0",
    "TELEGRAM_RATE_PER_GROUP": "0",
    "LOG_LEVEL": "WARNING",
}
TOKEN_VARIABLE = "SANDBOX_TELEGRAM_TOKEN"
COMPONENTS = (
    "assistant",
    "tg_bot",
    "rest_service",
    "cron_service",
    "google_calendar_service",
    "redis",
    "postgres",
)


@dataclass(frozen=True)
class ProcessUsage:
    """Of one process, or of several together."""

    cpu_seconds: float
    """CPU, user and system."""
    memory_bytes: int
    """Resident bytes."""


def measure_process(pid: int) -> ProcessUsage:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    ticks = int(fields[11]) + int(fields[12])
    return ProcessUsage(ticks / TICKS_PER_SECOND, resident * os.sysconf("SC_PAGE_SIZE"))


def measure_suite(suite: SuiteHarness) -> dict[str, ProcessUsage]:
    """Each part with all of its processes."""
    rows = (line.split() for line in suite.manage("status").splitlines())
    pids = {row[0]: int(row[1]) for row in rows if row[0] in COMPONENTS}
    return {part: _measure_tree(pid) for part, pid in pids.items()}


def _measure_tree(pid: int) -> ProcessUsage:
    """Of a process and its children; Postgres has one for each connection."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    all_of_it = [measure_process(one) for one in (pid, *map(int, children))]
    return ProcessUsage(
        sum(one.cpu_seconds for one in all_of_it), sum(one.memory_bytes for one in all_of_it)
    )


def run_conversations(users: list[SandboxUser], messages: int) -> float:
    """Everybody asks, waits for the answer and asks again; returns the seconds it took."""

    def converse(person: SandboxUser) -> None:
        for number in range(messages):
            answer = person.send_and_wait(f"what is {number} + 7?", seconds=300)
            assert answer

    begun = time.monotonic()
    with ThreadPoolExecutor(len(users)) as threads:
        list(threads.map(converse, users))
    return time.monotonic() - begun


def read_sandbox_token(suite: SuiteHarness) -> str:
    """Of the sandbox's bot, as manage.py keeps it."""
    lines = (suite.state_dir / "secrets.env").read_text().splitlines()
    return next(
        value
        for name, _, value in (line.partition("=") for line in lines)
        if name == TOKEN_VARIABLE
    )


@contextmanager
def run_echo_bot(suite: SuiteHarness, folder: Path) -> Iterator[int]:
    """A bare bot at the suite's sandbox; its pid."""
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    python = folder / "venv" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", *AIOGRAM_REQUIREMENTS], check=True)
    environ = os.environ | {
        "TELEGRAM_TOKEN": read_sandbox_token(suite),
        "TELEGRAM_API_URL": suite.url("SANDBOX_PORT"),
        "OPENAI_BASE_URL": suite.url("SANDBOX_PORT", "/v1"),
    }
    process = subprocess.Popen([python, Path(__file__).with_name("echo_bot.py")], env=environ)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(timeout=20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chats", type=int, default=20)
    parser.add_argument("--messages", type=int, default=25)
    options = parser.parse_args()
    total = options.chats * options.messages
    with run_folder.create_run_folder() as run:
        suite = SuiteHarness(run.path / "suite", settings=UNLIMITED)
        suite.manage("start")
        try:
            limits = dict.fromkeys(("per_chat", "chat_actions", "per_group", "overall"), 0)
            suite.make_sandbox_client().put("/chat/api/limits", json=limits).raise_for_status()
            people = [suite.get_or_create_user(f"Load {number}") for number in range(options.chats)]
            run_conversations(people, 2)
            before = measure_suite(suite)
            took = run_conversations(people, options.messages)
            after = measure_suite(suite)
            suite.manage("stop", "--service", "tg_bot")
            with run_echo_bot(suite, run.path) as pid:
                run_conversations(people, 2)
                bare_before = measure_process(pid)
                bare_took = run_conversations(people, options.messages)
                bare = measure_process(pid)
        finally:
            suite.remove()
    print_report(before, after, took, total)
    bare_cpu = (bare.cpu_seconds - bare_before.cpu_seconds) * 1000 / total
    print(f"{'aiogram echo bot':24} {bare_cpu:8.2f} {bare.memory_bytes / 2**20:8.0f}")
    ours = (
        sum(after[part].cpu_seconds - before[part].cpu_seconds for part in COMPONENTS)
        * 1000
        / total
    )
    print(f"\nmessages a second: suite {total / took:.0f}, echo bot {total / bare_took:.0f}")
    print(f"CPU per message: suite {ours:.1f} ms = {ours / bare_cpu:.1f} x the echo bot")


def print_report(
    before: dict[str, ProcessUsage], after: dict[str, ProcessUsage], took: float, total: int
) -> None:
    print(f"{total} messages in {took:.1f} s\n\n{'':24} {'ms CPU':>8} {'MB':>8}\n")
    for part in COMPONENTS:
        cpu = (after[part].cpu_seconds - before[part].cpu_seconds) * 1000 / total
        print(f"{part:24} {cpu:8.2f} {after[part].memory_bytes / 2**20:8.0f}")


if __name__ == "__main__":
    assert Path.cwd() == ROOT
    main()
