"""rest_service: the API of the suite and the only service that uses Postgres."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING

import httpx2
import structlog
from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer
from starlette.types import Lifespan

from smart_kit import log as logs
from smart_kit import redis
from smart_kit.api import add_health
from smart_kit.contracts.keys import CRON_CHANNEL
from smart_kit.health import Health
from smart_kit.mailbox.dead_letter_queue import DeadLetterQueue
from smart_kit.proxied_transport import ProxiedTransport
from smart_kit.proxy import check_proxies
from smart_kit.safe_http.messages import TIMEOUT_SECONDS
from smart_kit.service import Loop, launch, load_settings, run_loops
from smart_kit.timezone_data import use_pinned_timezone_data
from smart_kit.uvicorn_server import build_uvicorn_server
from smart_kit.vault import Vault
from smart_kit.version import get_version

from . import database, defaults, docs, openapi
from .audit.refusal_throttle import RefusalThrottle
from .background.archive_consumer import ArchiveConsumer
from .background.dependency_monitor import DependencyMonitor
from .background.retention import RetentionJob
from .background.snapshot_reconciler import SnapshotReconciler
from .config import Settings
from .defaults.env_models import register_env_models
from .dependencies import Resources
from .error_handlers import ERROR_RESPONSES, add_handlers
from .middleware.checks import (
    API_PREFIX,
    check_content_type,
    check_repeated_parameters,
    make_method_check,
    make_token_check,
)
from .middleware.request_guard import RequestGuard
from .routers import ROUTERS
from .services.cron_jobs.timezone_data_update import recompute_jobs
from .snapshots.publisher import SnapshotPublisher
from .snapshots.store import SnapshotStore

if TYPE_CHECKING:
    from smart_kit.safe_http.client import SafeHttpClient

SERVICE = "rest_service"

log = structlog.stdlib.get_logger()


def create_app(
    resources: Resources, health: Health, lifespan: Lifespan[FastAPI] | None = None
) -> FastAPI:
    """Return the application with its routes, middlewares and error handlers."""
    app = FastAPI(
        title="Smart Assistant",
        description="Assistants and their tools, users, conversations, reminders and tasks.",
        openapi_tags=[{"name": name, "description": text} for name, text in openapi.TAGS],
        version=get_version(),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        lifespan=lifespan,
    )
    app.state.resources = resources
    add_handlers(app)
    add_health(app, health)
    docs.add_docs_page(app)
    checks = (
        make_token_check(resources.settings),
        check_content_type,
        check_repeated_parameters,
        make_method_check(ROUTERS),
    )
    app.add_middleware(RequestGuard, checks=checks)
    bearer = HTTPBearer(
        scheme_name="Token", auto_error=False, description="ADMIN_API_TOKEN or SERVICE_API_TOKEN"
    )
    documented = [Depends(bearer)]
    for router in ROUTERS:
        app.include_router(
            router, prefix=API_PREFIX, responses=ERROR_RESPONSES, dependencies=documented
        )
    app.openapi = openapi.customize_openapi(app)  # type: ignore[method-assign] # FastAPI's own way
    return app


class RestService:
    """The application, the background loops and their connections."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._engine = database.create_engine(settings)
        self._redis = redis.connect(settings)
        self._blocking_redis = redis.connect_for_blocking_reads(settings)
        self._sessions = database.create_session_factory(
            self._engine, sandbox_clock=settings.sandbox_clock
        )
        self._store = SnapshotStore(self._redis)
        self._reconciler = SnapshotReconciler(self._sessions, self._store, settings)
        self._monitor = DependencyMonitor(self._engine, self._redis)
        self._archive_consumer = ArchiveConsumer(self._engine, self._redis, self._blocking_redis)
        self._retention = RetentionJob(self._sessions)
        self._vault = Vault(settings.vault_keys)
        check_proxies()  # at the start of the service, and not in a request
        self._provider_http = httpx2.AsyncClient(
            transport=ProxiedTransport(), follow_redirects=False, timeout=TIMEOUT_SECONDS
        )
        self.loops: tuple[Loop, ...] = (
            self._monitor.run,
            self._seed_and_reconcile,
            self._archive_consumer.run,
            self._retention.run,
        )

    def build_app(self, lifespan: Lifespan[FastAPI] | None = None) -> FastAPI:
        """Return the application. Without a lifespan, the caller has to run the loops."""
        health = Health(SERVICE)
        self._monitor.add_to(health)
        health.add_check("snapshots", self._reconciler.health_error)
        settings = self._settings
        resources = Resources(
            settings,
            self._sessions,
            SnapshotPublisher(self._sessions, self._store, settings),
            self._vault,
            {
                "to_secretary": DeadLetterQueue(self._redis, settings.redis_queue_to_secretary),
                "to_telegram": DeadLetterQueue(self._redis, settings.redis_queue_to_telegram),
            },
            RefusalThrottle(),
            self._provider_http,
            _make_safe_http,
        )
        return create_app(resources, health, lifespan)

    @contextlib.asynccontextmanager
    async def lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        """Run the loops beside an ASGI server that was started from its own command line."""
        stop = asyncio.Event()
        tasks = [asyncio.ensure_future(loop(stop)) for loop in self.loops]
        for task in tasks:
            task.add_done_callback(_terminate_on_failure)
        yield
        stop.set()
        await asyncio.wait(tasks)
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()
        await self._redis.aclose()
        await self._blocking_redis.aclose()
        await self._provider_http.aclose()

    async def _seed_and_reconcile(self, stop: asyncio.Event) -> None:
        models = partial(register_env_models, self._sessions, self._settings, self._vault)
        await defaults.create_with_retry(self._sessions, stop, models, self._recompute_jobs)
        await self._reconciler.run(stop)

    async def _recompute_jobs(self) -> None:
        if await recompute_jobs(self._sessions):
            await self._store.notify_subscribers(CRON_CHANNEL)


async def serve(settings: Settings) -> None:
    """Run until SIGTERM."""
    service = RestService(settings)
    port, own_port = settings.rest_service_port, settings.rest_service_own_port
    http = build_uvicorn_server(service.build_app(), settings.bind_host, port, own_port)
    try:
        await run_loops(http, *service.loops)
    finally:
        await service.close()


def main() -> None:
    """Run the service as a process."""
    launch(SERVICE, Settings, serve)


def __getattr__(name: str) -> FastAPI:
    """Build `app` on access, for `uvicorn rest_service.app.main:app`; importing builds nothing."""
    if name != "app":
        raise AttributeError(name)
    settings = load_settings(SERVICE, Settings)
    use_pinned_timezone_data()
    logs.configure(
        SERVICE, level=settings.log_level, fmt=settings.log_format, secrets=settings.secrets
    )
    service = RestService(settings)
    return service.build_app(service.lifespan)


def _make_safe_http() -> "SafeHttpClient":
    from smart_kit.safe_http.client import SafeHttpClient  # aiohttp takes 8 MB, and is rarely used

    return SafeHttpClient()


def _terminate_on_failure(task: asyncio.Future[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("background loop failed", exc_info=task.exception())
        signal.raise_signal(signal.SIGTERM)


if __name__ == "__main__":
    main()
