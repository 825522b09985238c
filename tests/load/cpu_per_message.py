"""Measures the CPU time of the whole suite per message, compared with a minimal aiogram bot.

    python -m tests.load.cpu_per_message [--chats 20] [--messages 25]

Both bots run one after the other against one sandbox, which plays Telegram and the model and is not
counted. Each message needs one model call and no tool. aiogram is installed in a separate virtual
environment, because it needs an older pydantic.
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
from tests.e2e.fault_injection import NO_RATE_LIMITS, disable_rate_limits, read_sandbox_token

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
AIOGRAM_REQUIREMENTS = ("aiogram==3.31.0", "openai[aiohttp]==3.52.0")
SETTINGS = NO_RATE_LIMITS | {"LOG_LEVEL": "WARNING"}

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
    """The usage of one process, or the sum of several."""

    cpu_seconds: float
    """User and system time."""
    memory_bytes: int
    """Resident memory."""


def measure_process(pid: int) -> ProcessUsage:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    ticks = int(fields[11]) + int(fields[12])
    return ProcessUsage(ticks / TICKS_PER_SECOND, resident * os.sysconf("SC_PAGE_SIZE"))


def measure_suite(suite: SuiteHarness) -> dict[str, ProcessUsage]:
    """Measure each component with all of its processes."""
    rows = (line.split() for line in suite.manage("status").splitlines())
    pids = {row[0]: int(row[1]) for row in rows if row[0] in COMPONENTS}
    return {component: _measure_tree(pid) for component, pid in pids.items()}


def _measure_tree(pid: int) -> ProcessUsage:
    """Measure a process with its children; Postgres has one for each connection."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    usages = [measure_process(process) for process in (pid, *map(int, children))]
    return ProcessUsage(
        sum(usage.cpu_seconds for usage in usages), sum(usage.memory_bytes for usage in usages)
    )


def run_conversations(users: list[SandboxUser], messages: int) -> float:
    """Send messages as all users at once, each after the previous answer. Return the seconds."""

    def converse(user: SandboxUser) -> None:
        for number in range(messages):
            answer = user.send_and_wait(f"what is {number} + 7?", seconds=300)
            assert answer

    started_at = time.monotonic()
    with ThreadPoolExecutor(len(users)) as threads:
        list(threads.map(converse, users))
    return time.monotonic() - started_at


@contextmanager
def run_echo_bot(suite: SuiteHarness, folder: Path) -> Iterator[int]:
    """Run the aiogram bot against the suite's sandbox, and yield its pid."""
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
    with run_folder.temporary_run_folder() as run:
        suite = SuiteHarness(run.path / "suite", settings=SETTINGS)
        suite.manage("start")
        try:
            disable_rate_limits(suite)
            users = [suite.get_or_create_user(f"Load {number}") for number in range(options.chats)]
            run_conversations(users, 2)
            before = measure_suite(suite)
            seconds = run_conversations(users, options.messages)
            after = measure_suite(suite)
            suite.manage("stop", "--service", "tg_bot")
            with run_echo_bot(suite, run.path) as pid:
                run_conversations(users, 2)
                echo_before = measure_process(pid)
                echo_seconds = run_conversations(users, options.messages)
                echo_after = measure_process(pid)
        finally:
            suite.remove()
    suite_cpu = print_report(before, after, seconds, total)
    echo_cpu = (echo_after.cpu_seconds - echo_before.cpu_seconds) * 1000 / total
    print(f"{'aiogram echo bot':24} {echo_cpu:8.2f} {echo_after.memory_bytes / 2**20:8.0f}")
    print(f"\nmessages a second: suite {total / seconds:.0f}, echo bot {total / echo_seconds:.0f}")
    print(f"CPU per message: suite {suite_cpu:.1f} ms = {suite_cpu / echo_cpu:.1f} x the echo bot")


def print_report(
    before: dict[str, ProcessUsage], after: dict[str, ProcessUsage], seconds: float, total: int
) -> float:
    """Print a line for each component, and return the CPU per message of all, in milliseconds."""
    print(f"{total} messages in {seconds:.1f} s\n\n{'':24} {'ms CPU':>8} {'MB':>8}\n")
    suite_cpu = 0.0
    for name in COMPONENTS:
        cpu = (after[name].cpu_seconds - before[name].cpu_seconds) * 1000 / total
        print(f"{name:24} {cpu:8.2f} {after[name].memory_bytes / 2**20:8.0f}")
        suite_cpu += cpu
    return suite_cpu


if __name__ == "__main__":
    assert Path.cwd() == ROOT
    main()
