"""rest_service: what everything else knows, in Postgres, behind one API."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from functools import partial

import httpx2
import structlog
from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from starlette.types import Lifespan

from smart_kit import log as logs
from smart_kit import redis
from smart_kit.api import add_health, app_loop
from smart_kit.guarded_http import SECONDS, GuardedHttp
from smart_kit.health import Health
from smart_kit.mailbox.graveyard import Graveyard
from smart_kit.service import Loop, launch, load_settings, run_loops
from smart_kit.vault import Vault

from . import database, defaults, docs, openapi
from .archive.reader import ArchiveReader
from .audit.refusals import Refusals
from .auth import PROTECTED, Authentication, Tokens
from .body_limit import BodyLimit
from .config import Settings
from .content_type import JsonOnly
from .correlation import Correlation
from .defaults.models import register
from .dependencies import Resources
from .errors import ERRORS, add_handlers
from .health import Watch
from .methods import Methods
from .paths import OldPaths
from .query import GivenOnce
from .routers import ROUTERS
from .snapshots.publisher import Publisher
from .snapshots.reconciler import Reconciler
from .snapshots.store import SnapshotStore
from .tidying import Tidying

SERVICE = "rest_service"

log = structlog.stdlib.get_logger()


def create_app(
    resources: Resources, health: Health, lifespan: Lifespan[FastAPI] | None = None
) -> FastAPI:
    """The application on its dependencies."""
    app = FastAPI(
        title="Smart Assistant",
        description="Assistants and their tools, people, conversations, reminders and tasks.",
        openapi_tags=[{"name": name, "description": said} for name, said in openapi.TAGS],
        version="0.1.0",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        lifespan=lifespan,
    )
    app.state.resources = resources
    add_handlers(app)
    add_health(app, health)
    docs.add(app)
    app.add_middleware(Methods, routers=ROUTERS)
    app.add_middleware(GivenOnce)
    app.add_middleware(BodyLimit)
    app.add_middleware(JsonOnly)
    app.add_middleware(Authentication, tokens=Tokens(resources.settings))
    app.add_middleware(OldPaths)
    app.add_middleware(Correlation)
    documented = Depends(
        HTTPBearer(
            scheme_name="Token",
            auto_error=False,
            description="ADMIN_API_TOKEN or SERVICE_API_TOKEN",
        )
    )
    for router in ROUTERS:
        app.include_router(router, prefix=PROTECTED, responses=ERRORS, dependencies=[documented])
    app.openapi = openapi.complete(app)  # type: ignore[method-assign] # FastAPI's own way
    return app


class RestService:
    """The application and the loops beside it, with what they stand on."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._engine = database.connect(settings)
        self._redis = redis.connect(settings)
        self._blocking = redis.connect_blocking(settings)
        self._sessions = database.session_maker(self._engine)
        self._store = SnapshotStore(self._redis)
        self._reconciler = Reconciler(self._sessions, self._store, settings)
        self._watch = Watch(self._engine, self._redis)
        self._archive = ArchiveReader(self._sessions, self._redis, self._blocking)
        self._tidying = Tidying(self._sessions)
        self._vault = Vault(settings.vault_keys)
        self._http = httpx2.AsyncClient(follow_redirects=False, timeout=SECONDS)
        self.loops: tuple[Loop, ...] = (
            self._watch.run,
            self._keep_snapshots,
            self._archive.run,
            self._tidying.run,
        )

    def app(self, lifespan: Lifespan[FastAPI] | None = None) -> FastAPI:
        """The application; without a lifespan somebody else runs the loops."""
        health = Health(SERVICE)
        self._watch.add_to(health)
        health.add("snapshots", self._reconciler.probe)
        return create_app(self._resources(), health, lifespan)

    @contextlib.asynccontextmanager
    async def lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        """Runs the loops where the server is started by its own command."""
        stop = asyncio.Event()
        tasks = [asyncio.ensure_future(loop(stop)) for loop in self.loops]
        for task in tasks:
            task.add_done_callback(_end_process_on_failure)
        yield
        stop.set()
        await asyncio.wait(tasks)
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()
        await self._redis.aclose()
        await self._blocking.aclose()
        await self._http.aclose()

    def _resources(self) -> Resources:
        settings = self._settings
        return Resources(
            settings,
            self._sessions,
            Publisher(self._sessions, self._store, settings),
            self._vault,
            {
                "to_secretary": Graveyard(self._redis, settings.redis_queue_to_secretary),
                "to_telegram": Graveyard(self._redis, settings.redis_queue_to_telegram),
            },
            Refusals(),
            self._http,
            GuardedHttp,
        )

    async def _keep_snapshots(self, stop: asyncio.Event) -> None:
        models = partial(register, self._sessions, self._settings, self._vault)
        await defaults.create_when_possible(self._sessions, stop, models)
        await self._reconciler.run(stop)


async def serve(settings: Settings) -> None:
    """Run until SIGTERM."""
    service = RestService(settings)
    port, own_port = settings.rest_service_port, settings.rest_service_own_port
    http = app_loop(service.app(), settings.bind_host, port, own_port)
    try:
        await run_loops(http, *service.loops)
    finally:
        await service.close()


def main() -> None:
    """The process."""
    launch(SERVICE, Settings, serve)


def __getattr__(name: str) -> FastAPI:
    """`app`, for `uvicorn rest_service.app.main:app`: built when asked for, not when imported."""
    if name != "app":
        raise AttributeError(name)
    settings = load_settings(SERVICE, Settings)
    logs.configure(
        SERVICE, level=settings.log_level, fmt=settings.log_format, secrets=settings.secrets
    )
    service = RestService(settings)
    return service.app(service.lifespan)


def _operation_id(route: APIRoute) -> str:
    return route.name


def _end_process_on_failure(task: asyncio.Future[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("a loop has failed", exc_info=task.exception())
        signal.raise_signal(signal.SIGTERM)


if __name__ == "__main__":
    main()
