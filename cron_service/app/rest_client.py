"""Calls to rest_service."""

from collections.abc import Iterable
from uuid import UUID

from smart_kit.contracts.cron_jobs import ClaimedRuns, DispatchedRuns
from smart_kit.rest_client import ServiceClient


class RestClient(ServiceClient):
    """Claims and reports runs. Raises the errors of ServiceClient."""

    async def claim(self, bot_id: int) -> ClaimedRuns:
        """Claim due runs of a bot. Runs not reported within 10 s are handed out again."""
        return await self.call("POST", "/cron-jobs/claim", ClaimedRuns, params={"bot_id": bot_id})

    async def report_dispatched(self, run_ids: Iterable[UUID]) -> None:
        """Report runs that are in their queues."""
        body = DispatchedRuns(run_ids=list(run_ids))
        await self.send("POST", "/cron-jobs/dispatched", body=body)
