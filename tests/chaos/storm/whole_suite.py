"""The whole suite as a system."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from control.local.run_directory import RunDirectory
from smart_kit.mailbox import Mailbox
from smart_kit.redis import connect
from smart_kit.testing.suite import ROOT
from tests.chaos.storm.message import number_in
from tests.chaos.storm.message_record import Effects
from tests.chaos.storm.plan import PRODUCTION, SHORT, FaultKind, Timings
from tests.chaos.storm.process_freezer import DATABASES
from tests.chaos.storm.system_under_test import (
    TargetProcess,
    processes_in,
    redis_of,
    suite_with_model,
)

SERVICES = ("tg_bot", "assistant", "rest_service", "cron_service", "google_calendar_service")
REPLICAS = "assistant=3,cron_service=2,rest_service=2"
FREEZABLE = (*("assistant",) * 4, *("tg_bot",) * 3, *SERVICES[2:], *DATABASES)
"""Who holds leases is stopped most."""
QUEUES = ("queue:to_secretary", "queue:to_telegram")
ENTRIES = {PRODUCTION: ROOT / "manage.py", SHORT: Path(__file__).with_name("manage.py")}
"""What starts a suite that has such timings."""
PAGE = 200


class WholeSuite:
    """Ours, with replicas."""

    services: tuple[str, ...] = SERVICES
    freezable: tuple[str, ...] = FREEZABLE
    sender = "tg_bot"
    excluded_faults: tuple[FaultKind, ...] = ()

    def __init__(self, state_dir: Path, model_url: str, timings: Timings = PRODUCTION) -> None:
        self.suite = suite_with_model(state_dir, model_url, ENTRIES[timings])

    def start(self) -> None:
        """See SystemUnderTest."""
        self.suite.manage("start", "--replicas", REPLICAS)

    def end(self) -> None:
        """See SystemUnderTest."""
        self.suite.manage("stop")

    def processes(self) -> list[TargetProcess]:
        """See SystemUnderTest."""
        return processes_in(RunDirectory(self.suite.state_dir))

    def waiting(self) -> int:
        """See SystemUnderTest."""
        return asyncio.run(self._depth())

    def effects(self) -> Effects:
        """See SystemUnderTest."""
        rows = [one["title"] for one in self._all("/tasks")]
        rows += [one["text"] for one in self._all("/cron-jobs")]
        made = [one["after"] or {} for one in self._all("/effects")]
        effects = [one.get("title") or one.get("text", "") for one in made]
        return Effects(counted(rows), counted(effects))

    def dead_letters(self) -> int:
        """See SystemUnderTest."""
        return len(list(self._all("/dead-letters")))

    async def _depth(self) -> int:
        redis = connect(redis_of(self.suite))
        try:
            depths = [await Mailbox(redis, name).depth() for name in QUEUES]
        finally:
            await redis.aclose()
        return sum(depth.conversations for depth in depths)

    def _all(self, path: str) -> Iterator[dict[str, Any]]:
        with self.suite.admin() as admin:
            offset, total = 0, 1
            while offset < total:
                params = {"limit": PAGE, "offset": offset}
                page = admin.get(path, params=params).raise_for_status().json()
                yield from page["items"]
                offset, total = offset + PAGE, page["total"]


def counted(texts: Iterable[str]) -> Counter[int]:
    """How often each number occurs; a text holds one, or counts as 0."""
    return Counter(number_in(text) or 0 for text in texts)
