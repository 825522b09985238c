"""A stand-in of rest_service that hands out runs as the real one does."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from aiohttp import web

from smart_kit.contracts.cron_jobs import Claim, ClaimedRun, CronJobType, RunsDispatched

TOKEN = "the-service-token"
CHAT, PERSON = 700, 7


@dataclass
class Run:
    """A run and how far it has come."""

    facts: ClaimedRun
    claimed_at: datetime | None = None
    is_reported: bool = False


@dataclass
class FakeRestService:
    """Jobs in memory; each is one run."""

    runs: list[Run] = field(default_factory=list)
    unreported: timedelta = timedelta(hours=1)
    """A run that was claimed longer ago is handed out again; longer than any test takes."""
    clock_ahead: timedelta = timedelta()
    """By how much Postgres's clock differs from this machine's."""
    stands_at: datetime | None = None
    """Where Postgres's clock stands until a test moves it; None: it goes."""
    refuses: set[str] = field(default_factory=set)
    """The last parts of paths that answer 503."""
    claims: int = 0
    asked_for: set[str] = field(default_factory=set)
    """The bots for which runs were claimed."""
    url: str = ""

    def now(self) -> datetime:
        """By its own clock."""
        return self.stands_at or datetime.now(UTC) + self.clock_ahead

    def plan(self, text: str, in_seconds: float = -1.0, *, kind: CronJobType = "reminder") -> UUID:
        """A new job; gives its run's id."""
        facts = ClaimedRun(
            id=uuid4(),
            job_id=uuid4(),
            type=kind,
            text=text,
            chat_id=CHAT,
            telegram_id=PERSON,
            language_code="ru",
            timezone="Europe/Berlin",
            is_silent=True,
            scheduled_for=self.now() + timedelta(seconds=in_seconds),
        )
        self.runs.append(Run(facts))
        return facts.id

    def claim(self, most: int = 100) -> Claim:
        """As `POST /api/cron-jobs/claim`."""
        self.claims += 1
        now = self.now()
        due = [run for run in self.runs if self._is_due(run, now)][:most]
        for run in due:
            run.claimed_at = run.claimed_at or now
        upcoming = [run.facts.scheduled_for for run in self.runs if run.claimed_at is None]
        upcoming += [
            run.claimed_at + self.unreported
            for run in self.runs
            if run.claimed_at is not None and not run.is_reported and run not in due
        ]
        next_fire_at = min(upcoming, default=None)
        return Claim(runs=[run.facts for run in due], next_fire_at=next_fire_at, now=now)

    @property
    def reported(self) -> list[UUID]:
        """The runs that are said to be in their queues."""
        return [run.facts.id for run in self.runs if run.is_reported]

    def app(self) -> web.Application:
        """Over HTTP."""
        app = web.Application()
        app.router.add_post("/api/cron-jobs/claim", self._claim)
        app.router.add_post("/api/cron-jobs/dispatched", self._dispatched)
        return app

    def _is_due(self, run: Run, now: datetime) -> bool:
        if run.is_reported or run.facts.scheduled_for > now:
            return False
        return run.claimed_at is None or run.claimed_at < now - self.unreported

    async def _claim(self, request: web.Request) -> web.Response:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        self.asked_for.add(request.query["bot_id"])
        return web.json_response(text=self.claim().model_dump_json())

    async def _dispatched(self, request: web.Request) -> web.Response:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        body = RunsDispatched.model_validate_json(await request.text())
        for run in self.runs:
            run.is_reported = run.is_reported or run.facts.id in body.run_ids
        return web.Response(status=204)

    def _refusal(self, request: web.Request) -> web.Response | None:
        if request.headers["Authorization"] != f"Bearer {TOKEN}":
            return web.json_response({"error": "not_authenticated", "detail": "no"}, status=401)
        if request.path.rpartition("/")[2] in self.refuses:
            return web.json_response({"error": "unavailable", "detail": "away"}, status=503)
        return None
