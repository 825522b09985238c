"""Calls to rest_service."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import datetime, timedelta
from uuid import UUID

from smart_kit.backoff import Backoff
from smart_kit.contracts.base import Page
from smart_kit.contracts.cron_jobs import ClaimedRuns, CronJobRead, DispatchedRuns
from smart_kit.errors import UpstreamUnavailable
from smart_kit.rest_client import ServiceClient

PAGE_SIZE = 500
MAX_PAGES = 2
"""Limit of a list. Further jobs are listed when the last one of it is due, so that a start is cheap
however many jobs are due soon."""

MAX_RETRIES = 3
"""Repetitions of the request for a page, while rest_service is unavailable."""

RETRY_DELAY = timedelta(seconds=0.25)
"""Delay of the first repetition; each further one doubles it."""


class RestClient(ServiceClient):
    """Lists jobs, claims and reports runs. Raises the errors of ServiceClient."""

    async def fetch_scheduled_jobs(
        self, bot_id: int, due_before: datetime
    ) -> AsyncIterator[list[CronJobRead]]:
        """Yield pages of the active jobs of a bot that are due before a time, earliest first.

        Changes between two pages may hide a job or show it twice.
        """
        for number in range(MAX_PAGES):
            page = await self._fetch_page(bot_id, due_before, number * PAGE_SIZE)
            yield page.items
            if (number + 1) * PAGE_SIZE >= page.total:
                return

    async def claim(self, bot_id: int) -> ClaimedRuns:
        """Claim due runs of a bot. Runs that are not reported soon are handed out again."""
        return await self.call("POST", "/cron-jobs/claim", ClaimedRuns, params={"bot_id": bot_id})

    async def report_dispatched(self, run_ids: Iterable[UUID]) -> None:
        """Report runs that are in their queues."""
        body = DispatchedRuns(run_ids=list(run_ids))
        await self.send("POST", "/cron-jobs/dispatched", body=body)

    async def _fetch_page(
        self, bot_id: int, due_before: datetime, offset: int
    ) -> Page[CronJobRead]:
        params = {
            "bot_id": bot_id,
            "due_before": due_before.isoformat(),
            "limit": PAGE_SIZE,
            "offset": offset,
        }
        backoff = Backoff(RETRY_DELAY.total_seconds())
        while True:
            try:
                return await self.call(
                    "GET", "/cron-jobs", Page[CronJobRead], params=params, max_attempts=1
                )
            except UpstreamUnavailable:
                if backoff.failures == MAX_RETRIES:
                    raise
                await asyncio.sleep(backoff.next_delay())
