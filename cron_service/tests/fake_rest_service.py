"""A fake rest_service that hands out runs as the real one does."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from aiohttp import web

from smart_kit.contracts.cron_jobs import ClaimedRun, ClaimedRuns, CronJobType, DispatchedRuns

TOKEN = "the-service-token"
CHAT_ID, TELEGRAM_ID = 700, 7


@dataclass
class FakeRun:
    """A run and its state."""

    claimed_run: ClaimedRun
    claimed_at: datetime | None = None
    is_reported: bool = False


@dataclass
class FakeRestService:
    """Jobs in memory, each with one run."""

    runs: list[FakeRun] = field(default_factory=list)
    redispatch_after: timedelta = timedelta(hours=1)
    """Time after which a claimed run is handed out again; longer than any test."""
    clock_ahead: timedelta = timedelta()
    """Difference between Postgres's clock and this machine's."""
    frozen_at: datetime | None = None
    """Fixed time of Postgres's clock; None: it runs."""
    unavailable_paths: set[str] = field(default_factory=set)
    """Last path segments that answer 503."""
    claim_count: int = 0
    claimed_bot_ids: set[str] = field(default_factory=set)
    """The bot ids of all claims."""
    url: str = ""

    def now(self) -> datetime:
        """Return the time of the fake Postgres's clock."""
        return self.frozen_at or datetime.now(UTC) + self.clock_ahead

    def add_run(
        self, text: str, in_seconds: float = -1.0, *, kind: CronJobType = "reminder"
    ) -> UUID:
        """Add a job and return the id of its run."""
        claimed_run = ClaimedRun(
            id=uuid4(),
            job_id=uuid4(),
            type=kind,
            text=text,
            chat_id=CHAT_ID,
            telegram_id=TELEGRAM_ID,
            language_code="ru",
            timezone="Europe/Berlin",
            priority="low",
            scheduled_for=self.now() + timedelta(seconds=in_seconds),
        )
        self.runs.append(FakeRun(claimed_run))
        return claimed_run.id

    def claim(self, limit: int = 100) -> ClaimedRuns:
        """Answer `POST /api/cron-jobs/claim`."""
        self.claim_count += 1
        now = self.now()
        due = [run for run in self.runs if self._is_due(run, now)][:limit]
        for run in due:
            run.claimed_at = run.claimed_at or now
        upcoming = [run.claimed_run.scheduled_for for run in self.runs if run.claimed_at is None]
        upcoming += [
            run.claimed_at + self.redispatch_after
            for run in self.runs
            if run.claimed_at is not None and not run.is_reported and run not in due
        ]
        next_fire_at = min(upcoming, default=None)
        return ClaimedRuns(
            runs=[run.claimed_run for run in due], next_fire_at=next_fire_at, now=now
        )

    @property
    def reported_run_ids(self) -> list[UUID]:
        """The runs that were reported as dispatched."""
        return [run.claimed_run.id for run in self.runs if run.is_reported]

    def build_app(self) -> web.Application:
        """Return the HTTP application."""
        app = web.Application()
        app.router.add_post("/api/cron-jobs/claim", self._handle_claim)
        app.router.add_post("/api/cron-jobs/dispatched", self._handle_dispatched)
        return app

    def _is_due(self, run: FakeRun, now: datetime) -> bool:
        if run.is_reported or run.claimed_run.scheduled_for > now:
            return False
        return run.claimed_at is None or run.claimed_at < now - self.redispatch_after

    async def _handle_claim(self, request: web.Request) -> web.Response:
        error_response = self._find_error_response(request)
        if error_response is not None:
            return error_response
        self.claimed_bot_ids.add(request.query["bot_id"])
        return web.json_response(text=self.claim().model_dump_json())

    async def _handle_dispatched(self, request: web.Request) -> web.Response:
        error_response = self._find_error_response(request)
        if error_response is not None:
            return error_response
        body = DispatchedRuns.model_validate_json(await request.text())
        for run in self.runs:
            run.is_reported = run.is_reported or run.claimed_run.id in body.run_ids
        return web.Response(status=204)

    def _find_error_response(self, request: web.Request) -> web.Response | None:
        if request.headers["Authorization"] != f"Bearer {TOKEN}":
            return web.json_response({"error": "not_authenticated", "detail": "no"}, status=401)
        if request.path.rpartition("/")[2] in self.unavailable_paths:
            return web.json_response({"error": "unavailable", "detail": "away"}, status=503)
        return None
