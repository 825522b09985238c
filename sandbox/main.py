"""The sandbox: Telegram with a chat page, an OpenAI-compatible model, and weather, on one port."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from aiohttp import web

from sandbox.chat.json_api import JsonApi
from sandbox.chat.routes import ChatPage
from sandbox.chat.security import Gate
from sandbox.chat.trials import Trials
from sandbox.llm.server import LlmServer
from sandbox.settings import SandboxSettings
from sandbox.telegram.api import BotApi
from sandbox.telegram.delivery import Delivery
from sandbox.telegram.world import World
from sandbox.weather.server import WeatherServer
from smart_kit.health import Health
from smart_kit.service import health_routes, http_loop, launch, run_loops


def create_app(settings: SandboxSettings) -> web.Application:
    """All that the sandbox serves. Raises ConfigurationError for a token that is none."""
    world = World.open(settings.state_dir / "sandbox", settings.telegram_token.get_secret_value())
    gate = Gate(settings.sandbox_chat_token.get_secret_value(), settings.sandbox_port)
    api = JsonApi(world, gate)
    page = ChatPage(world, gate, api, settings.model_host)
    app = health_routes(Health("sandbox"))
    bot_api = BotApi(world)
    app.add_routes([*bot_api.routes(), *LlmServer().routes(), *WeatherServer().routes()])
    app.add_routes([*Trials(world, api).routes(), *page.routes()])

    async def stop(_: web.Application) -> None:
        world.stop()

    async def keep_open(_: web.Application) -> AsyncIterator[None]:
        delivering = asyncio.create_task(Delivery(world, bot_api.perform).run())
        yield
        delivering.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await delivering
        world.close()

    app.on_shutdown.append(stop)
    app.cleanup_ctx.append(keep_open)
    return app


async def serve(settings: SandboxSettings) -> None:
    """Run until told to stop."""
    await run_loops(http_loop(create_app(settings), settings.bind_host, settings.sandbox_port))


if __name__ == "__main__":
    launch("sandbox", SandboxSettings, serve)
