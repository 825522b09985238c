"""The sandbox: Telegram with a chat page, an OpenAI-compatible model and weather, on one port."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from aiohttp import web

from sandbox.chat.clock_api import ClockApi
from sandbox.chat.fault_injection_api import FaultInjectionApi
from sandbox.chat.routes import ChatPageRoutes
from sandbox.chat.security import ChatAccessGuard
from sandbox.chat.suite_clock import SuiteClock
from sandbox.llm.server import llm_routes
from sandbox.settings import SandboxSettings
from sandbox.telegram.api import BotApi
from sandbox.telegram.telegram_state import TelegramState
from sandbox.telegram.webhook_delivery import WebhookDelivery
from sandbox.weather.server import weather_routes
from smart_kit.health import Health
from smart_kit.rest_client import ServiceClient
from smart_kit.rest_client.aiohttp_transport import AiohttpTransport
from smart_kit.service import build_aiohttp_server, build_health_app, launch, run_loops


def create_app(settings: SandboxSettings) -> web.Application:
    """Build the application. Raises ConfigurationError for a malformed TELEGRAM_TOKEN."""
    state = TelegramState(
        settings.state_dir / "sandbox", settings.telegram_token.get_secret_value()
    )
    guard = ChatAccessGuard(settings.sandbox_chat_token.get_secret_value(), settings.sandbox_port)
    bot_api = BotApi(state)
    app = build_health_app(Health("sandbox"))
    app.add_routes([*bot_api.routes(), *llm_routes(), *weather_routes()])
    app.add_routes(FaultInjectionApi(state, guard).routes())
    app.add_routes(ChatPageRoutes(state, guard, settings.remote_model_host).routes())
    clock = _build_clock(settings, state)
    app.add_routes(ClockApi(state, guard, clock).routes())

    async def stop(_: web.Application) -> None:
        state.stop()

    async def run_webhook_delivery(_: web.Application) -> AsyncIterator[None]:
        delivery_task = asyncio.create_task(WebhookDelivery(state, bot_api.execute).run())
        yield
        delivery_task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await delivery_task
        state.close()

    app.on_shutdown.append(stop)
    app.cleanup_ctx.append(run_webhook_delivery)
    if clock is not None:
        app.cleanup_ctx.append(clock.run_beside)
    return app


def _build_clock(settings: SandboxSettings, state: TelegramState) -> SuiteClock | None:
    client_settings = settings.clock_client_settings
    if client_settings is None:
        return None
    transport = AiohttpTransport(client_settings.rest_service_url)
    return SuiteClock(state, ServiceClient(client_settings, transport))


async def serve(settings: SandboxSettings) -> None:
    """Serve until the process is asked to stop."""
    await run_loops(
        build_aiohttp_server(create_app(settings), settings.bind_host, settings.sandbox_port)
    )


if __name__ == "__main__":
    launch("sandbox", SandboxSettings, serve)
