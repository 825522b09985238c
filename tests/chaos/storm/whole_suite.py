"""The whole suite as a system under test."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from control.local.run_directory import RunDirectory
from smart_kit.mailbox import Mailbox
from smart_kit.redis import connect
from smart_kit.testing.suite_harness import ROOT
from tests.chaos.storm.message import parse_number
from tests.chaos.storm.message_record import EffectCounts
from tests.chaos.storm.plan import PRODUCTION_TIMINGS, SHORT_TIMINGS, FaultKind, StormTimings
from tests.chaos.storm.process_freezer import DATABASES
from tests.chaos.storm.system_under_test import (
    TargetProcess,
    get_redis_settings,
    make_suite,
    read_processes,
)
from tests.e2e.fault_injection import QUEUES

SERVICES = ("tg_bot", "assistant", "rest_service", "cron_service", "google_calendar_service")
REPLICAS = "assistant=3,cron_service=2,rest_service=2"
FREEZABLE = (*("assistant",) * 4, *("tg_bot",) * 3, *SERVICES[2:], *DATABASES)
"""Services that hold leases are frozen most often."""
ENTRY_POINTS = {
    PRODUCTION_TIMINGS: ROOT / "manage.py",
    SHORT_TIMINGS: Path(__file__).with_name("manage.py"),
}
"""By timings: the manage.py that starts a suite with them."""
PAGE_SIZE = 200


class WholeSuite:
    """The suite with replicas of three services."""

    services: tuple[str, ...] = SERVICES
    freezable: tuple[str, ...] = FREEZABLE
    sender = "tg_bot"
    excluded_faults: tuple[FaultKind, ...] = ()

    def __init__(
        self, state_dir: Path, model_url: str, timings: StormTimings = PRODUCTION_TIMINGS
    ) -> None:
        self.suite = make_suite(state_dir, model_url, ENTRY_POINTS[timings])

    def start(self) -> None:
        self.suite.manage("start", "--replicas", REPLICAS)

    def stop(self) -> None:
        self.suite.manage("stop")

    def list_processes(self) -> list[TargetProcess]:
        return read_processes(RunDirectory(self.suite.state_dir))

    def count_waiting(self) -> int:
        return asyncio.run(self._count_waiting())

    def count_effects(self) -> EffectCounts:
        rows = [task["title"] for task in self._iter_items("/tasks")]
        rows += [job["text"] for job in self._iter_items("/cron-jobs")]
        created = [effect["after"] or {} for effect in self._iter_items("/effects")]
        effects = [fields.get("title") or fields.get("text", "") for fields in created]
        return EffectCounts(count_numbers(rows), count_numbers(effects))

    def count_dead_letters(self) -> int:
        return len(list(self._iter_items("/dead-letters")))

    async def _count_waiting(self) -> int:
        redis = connect(get_redis_settings(self.suite))
        try:
            depths = [await Mailbox(redis, name).get_depth() for name in QUEUES]
        finally:
            await redis.aclose()
        return sum(depth.conversations for depth in depths)

    def _iter_items(self, path: str) -> Iterator[dict[str, Any]]:
        with self.suite.make_admin_client() as admin:
            offset, total = 0, 1
            while offset < total:
                params = {"limit": PAGE_SIZE, "offset": offset}
                page = admin.get(path, params=params).raise_for_status().json()
                yield from page["items"]
                offset, total = offset + PAGE_SIZE, page["total"]


def count_numbers(texts: Iterable[str]) -> Counter[int]:
    """Count texts by the number that they contain; 0 stands for texts without one."""
    return Counter(parse_number(text) or 0 for text in texts)
