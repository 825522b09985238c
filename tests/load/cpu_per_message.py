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
from smart_kit.testing.suite import ROOT, Person, Suite

TICKS = os.sysconf("SC_CLK_TCK")
AIOGRAM = ("aiogram==3.31.0", "openai[aiohttp]==3.52.0")
UNLIMITED = {
    "TELEGRAM_RATE_OVERALL": "0",
    "TELEGRAM_RATE_PER_CHAT": "0",
    "TELEGRAM_RATE_PER_GROUP": "0",
    "LOG_LEVEL": "WARNING",
}
MARK = "SANDBOX_TELEGRAM_TOKEN"
PARTS = (
    "assistant",
    "tg_bot",
    "rest_service",
    "cron_service",
    "google_calendar_service",
    "redis",
    "postgres",
)


@dataclass(frozen=True)
class Usage:
    """Of one process, or of several together."""

    seconds: float
    """CPU, user and system."""
    memory: int
    """Resident bytes."""


def usage(pid: int) -> Usage:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    ticks = int(fields[11]) + int(fields[12])
    return Usage(ticks / TICKS, resident * os.sysconf("SC_PAGE_SIZE"))


def of_suite(suite: Suite) -> dict[str, Usage]:
    """Each part with all of its processes."""
    rows = (line.split() for line in suite.manage("status").splitlines())
    pids = {row[0]: int(row[1]) for row in rows if row[0] in PARTS}
    return {part: _together(pid) for part, pid in pids.items()}


def _together(pid: int) -> Usage:
    """Of a process and its children; Postgres has one for each connection."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    all_of_it = [usage(one) for one in (pid, *map(int, children))]
    return Usage(sum(one.seconds for one in all_of_it), sum(one.memory for one in all_of_it))


def converse(people: list[Person], messages: int) -> float:
    """Everybody asks, waits for the answer and asks again; returns the seconds it took."""

    def talk(person: Person) -> None:
        for number in range(messages):
            answer = person.ask(f"what is {number} + 7?", seconds=300)
            assert answer

    begun = time.monotonic()
    with ThreadPoolExecutor(len(people)) as threads:
        list(threads.map(talk, people))
    return time.monotonic() - begun


def sandbox_token(suite: Suite) -> str:
    """Of the sandbox's bot, as manage.py keeps it."""
    lines = (suite.state_dir / "secrets.env").read_text().splitlines()
    return next(value for name, _, value in (line.partition("=") for line in lines) if name == MARK)


@contextmanager
def echo_bot(suite: Suite, folder: Path) -> Iterator[int]:
    """A bare bot at the suite's sandbox; its pid."""
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    python = folder / "venv" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", *AIOGRAM], check=True)
    environ = os.environ | {
        "TELEGRAM_TOKEN": sandbox_token(suite),
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
    with run_folder.entered() as run:
        suite = Suite(run.path / "suite", settings=UNLIMITED)
        suite.manage("start")
        try:
            limits = dict.fromkeys(("per_chat", "signals", "per_group", "overall"), 0)
            suite.sandbox().put("/chat/api/limits", json=limits).raise_for_status()
            people = [suite.person(f"Load {number}") for number in range(options.chats)]
            converse(people, 2)
            before = of_suite(suite)
            took = converse(people, options.messages)
            after = of_suite(suite)
            suite.manage("stop", "--service", "tg_bot")
            with echo_bot(suite, run.path) as pid:
                converse(people, 2)
                bare_before = usage(pid)
                bare_took = converse(people, options.messages)
                bare = usage(pid)
        finally:
            suite.remove()
    report(before, after, took, total)
    bare_cpu = (bare.seconds - bare_before.seconds) * 1000 / total
    print(f"{'aiogram echo bot':24} {bare_cpu:8.2f} {bare.memory / 2**20:8.0f}")
    ours = sum(after[part].seconds - before[part].seconds for part in PARTS) * 1000 / total
    print(f"\nmessages a second: suite {total / took:.0f}, echo bot {total / bare_took:.0f}")
    print(f"CPU per message: suite {ours:.1f} ms = {ours / bare_cpu:.1f} x the echo bot")


def report(before: dict[str, Usage], after: dict[str, Usage], took: float, total: int) -> None:
    print(f"{total} messages in {took:.1f} s\n\n{'':24} {'ms CPU':>8} {'MB':>8}\n")
    for part in PARTS:
        cpu = (after[part].seconds - before[part].seconds) * 1000 / total
        print(f"{part:24} {cpu:8.2f} {after[part].memory / 2**20:8.0f}")


if __name__ == "__main__":
    assert Path.cwd() == ROOT
    main()
