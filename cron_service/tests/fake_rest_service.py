"""A fake rest_service that lists jobs and hands out runs as the real one does."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from aiohttp import web

from smart_kit.contracts.base import Page
from smart_kit.contracts.cron_jobs import ClaimedRun, ClaimedRuns, CronJobRead, DispatchedRuns
from smart_kit.schedule import CronSchedule

TOKEN = "the-service-token"
CHAT_ID, TELEGRAM_ID = 700, 7


@dataclass
class FakeRun:
    """A run and its state. While it is not claimed, its job is due for it."""

    claimed_run: ClaimedRun
    cron_expression: str | None = None
    claimed_at: datetime | None = None
    is_reported: bool = False
    is_locked: bool = False
    """Whether a claim that does not end holds the job."""


@dataclass
class FakeRestService:
    """Jobs in memory."""

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
    lists: list[dict[str, str]] = field(default_factory=list)
    """The query of each request for jobs."""
    claimed_bot_ids: set[str] = field(default_factory=set)
    """The bot ids of all claims."""
    url: str = ""

    def now(self) -> datetime:
        """Return the time of the fake Postgres's clock."""
        return self.frozen_at or datetime.now(UTC) + self.clock_ahead

    def add_run(
        self, text: str, in_seconds: float = -1.0, cron: str | None = None, **fields: Any
    ) -> UUID:
        """Add a job that is due once, or also later by cron. Return the id of its run."""
        defaults: dict[str, Any] = {
            "type": "reminder",
            "chat_id": CHAT_ID,
            "timezone": "Europe/Berlin",
            "scheduled_for": self.now() + timedelta(seconds=in_seconds),
        }
        claimed_run = ClaimedRun(
            id=uuid4(),
            job_id=uuid4(),
            text=text,
            telegram_id=TELEGRAM_ID,
            language_code="ru",
            priority="low",
            **defaults | fields,
        )
        self.runs.append(FakeRun(claimed_run, cron))
        return claimed_run.id

    def claim(self, limit: int = 100) -> ClaimedRuns:
        """Answer `POST /api/cron-jobs/claim`."""
        self.claim_count += 1
        now = self.now()
        due = [run for run in self.runs if self._is_due(run, now)][:limit]
        for run in due:
            if run.claimed_at is None and run.cron_expression is not None:
                self._add_next_run(run, now)
            run.claimed_at = run.claimed_at or now
        upcoming = [run.claimed_run.scheduled_for for run in self.runs if run.claimed_at is None]
        upcoming += [
            run.claimed_at + self.redispatch_after
            for run in self.runs
            if run.claimed_at is not None and not run.is_reported and run not in due
        ]
        upcoming = [at if at > now else now + self.redispatch_after for at in upcoming]
        next_fire_at = now if len(due) == limit else min(upcoming, default=None)
        return ClaimedRuns(
            runs=[run.claimed_run for run in due], next_fire_at=next_fire_at, now=now
        )

    def list_jobs(self, due_before: datetime, limit: int, offset: int) -> Page[CronJobRead]:
        """Answer `GET /api/cron-jobs`."""
        jobs = sorted(
            (self._to_job(run) for run in self.runs if run.claimed_at is None),
            key=lambda job: (job.next_fire_at or due_before, job.id),
        )
        due = [job for job in jobs if job.next_fire_at and job.next_fire_at < due_before]
        page = due[offset : offset + limit]
        return Page[CronJobRead](items=page, total=len(due), limit=limit, offset=offset)

    @property
    def reported_run_ids(self) -> list[UUID]:
        """The runs that were reported as dispatched."""
        return [run.claimed_run.id for run in self.runs if run.is_reported]

    def build_app(self) -> web.Application:
        """Return the HTTP application."""
        app = web.Application()
        app.router.add_get("/api/cron-jobs", self._handle_list)
        app.router.add_post("/api/cron-jobs/claim", self._handle_claim)
        app.router.add_post("/api/cron-jobs/dispatched", self._handle_dispatched)
        return app

    def _is_due(self, run: FakeRun, now: datetime) -> bool:
        if run.is_reported or run.is_locked or run.claimed_run.scheduled_for > now:
            return False
        return run.claimed_at is None or run.claimed_at < now - self.redispatch_after

    def _add_next_run(self, run: FakeRun, now: datetime) -> None:
        schedule = CronSchedule(str(run.cron_expression), run.claimed_run.timezone)
        changes = {"id": uuid4(), "scheduled_for": schedule.get_next_fire(now)}
        next_run = run.claimed_run.model_copy(update=changes)
        self.runs.append(FakeRun(next_run, run.cron_expression))

    def _to_job(self, run: FakeRun) -> CronJobRead:
        facts = run.claimed_run
        return CronJobRead(
            id=facts.job_id,
            created_at=facts.scheduled_for,
            updated_at=facts.scheduled_for,
            user_id=UUID(int=TELEGRAM_ID),
            name=facts.text,
            at=facts.scheduled_for if run.cron_expression is None else None,
            cron_expression=run.cron_expression,
            is_active=True,
            next_fire_at=facts.scheduled_for,
            **facts.model_dump(include={"type", "text", "timezone", "chat_id", "priority"}),
        )

    async def _handle_list(self, request: web.Request) -> web.Response:
        error_response = self._find_error_response(request)
        if error_response is not None:
            return error_response
        query = dict(request.query)
        self.lists.append(query)
        due_before = datetime.fromisoformat(query["due_before"])
        page = self.list_jobs(due_before, int(query["limit"]), int(query["offset"]))
        return web.json_response(text=page.model_dump_json())

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
