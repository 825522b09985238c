"""Runs a service: settings, logs, signals, loops, `/health`, `/metrics` and a graceful stop."""

import asyncio
import contextlib
import gc
import resource
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
import uvloop

from smart_kit import log as logs
from smart_kit.errors import ConfigurationError
from smart_kit.health import Health
from smart_kit.settings import ServiceSettings
from smart_kit.timezone_data import use_pinned_timezone_data

if TYPE_CHECKING:  # only some services need aiohttp: 10 MB
    from aiohttp import web

STOP_TIMEOUT_SECONDS = 18.0
"""Seconds that loops get to end after a stop; the supervisor kills the process after 20."""

MAX_OPEN_FILES = 65_536
"""Each turn may have a connection to a model, and many systems allow only 1,024 open files unless a
process asks for more."""

GC_THRESHOLD = 20_000
"""Objects that accumulate between two garbage collections. A turn keeps some thousand objects for
its duration; with Python's 700 each turn would be searched for cycles several times."""

SettingsT = TypeVar("SettingsT", bound=ServiceSettings)
Loop = Callable[[asyncio.Event], Awaitable[None]]
"""Runs until the event is set, then returns."""

log = structlog.stdlib.get_logger()


def load_settings(service: str, settings_type: type[SettingsT]) -> SettingsT:
    """Load the settings. Invalid ones end the process with one line and status 78."""
    try:
        return settings_type.load()
    except ConfigurationError as error:
        print(f"{service}: {error.message}", file=sys.stderr)  # noqa: T201 # logs need settings
        raise SystemExit(error.exit_status) from None


def launch(
    service: str,
    settings_type: type[SettingsT],
    serve: Callable[[SettingsT], Coroutine[Any, Any, None]],
) -> None:
    """Run a service. Invalid settings end it with one line and status 78, a crash with 1."""
    settings = load_settings(service, settings_type)
    logs.configure(
        service, level=settings.log_level, fmt=settings.log_format, secrets=settings.secrets
    )
    use_pinned_timezone_data()
    _raise_open_files_limit()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(serve(settings))
        except ConfigurationError as error:
            log.error("service cannot start", reason=error.message)
            raise SystemExit(error.exit_status) from None
        except Exception:  # logged, because the log redacts secrets
            log.exception("service crashed")
            raise SystemExit(1) from None


async def run_loops(*loops: Loop) -> None:
    """Run loops until SIGTERM or SIGINT, or until one fails; then stop them all.

    A loop that ends or fails by itself ends the service; its supervisor restarts it.
    """
    stop = asyncio.Event()
    running = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        running.add_signal_handler(number, stop.set)
    tasks = [asyncio.ensure_future(loop(stop)) for loop in loops]
    stopping = asyncio.ensure_future(stop.wait())
    _exempt_startup_objects_from_gc()
    try:
        await asyncio.wait({*tasks, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        _, late = await asyncio.wait(tasks, timeout=STOP_TIMEOUT_SECONDS)
        for task in late:
            log.warning("loop did not stop in time", loop=repr(task))
            task.cancel()
        for task in tasks:
            if task not in late:
                task.result()
    finally:
        stopping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await stopping


def _raise_open_files_limit() -> None:
    """Raise the limit of open files as far as the system allows without privileges."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return
    wanted = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_OPEN_FILES)
    if wanted > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _exempt_startup_objects_from_gc() -> None:
    """Let the garbage collector skip what exists now: modules and settings live for ever."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, 10, 10)


def build_health_app(health: Health) -> "web.Application":
    """Return an application with `/health` and `/metrics`, for services without an API."""
    from aiohttp import web

    async def report(_: web.Request) -> web.Response:
        body = health.report()
        return web.json_response(body, status=200 if body["status"] == "ok" else 503)

    async def metrics(_: web.Request) -> web.Response:
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/health", report), web.get("/metrics", metrics)])
    return app


def build_aiohttp_server(app: "web.Application", host: str, port: int) -> Loop:
    """Return a loop that serves an application. Raises ConfigurationError if the port is in use."""
    from aiohttp import web

    async def serve(stop: asyncio.Event) -> None:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            await runner.cleanup()
            raise ConfigurationError(f"Cannot listen on {host}:{port}: {error.strerror}") from error
        await stop.wait()
        await runner.cleanup()

    return serve
