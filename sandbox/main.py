"""The sandbox: Telegram with a chat page, and an OpenAI-compatible model, on one port."""

from collections.abc import AsyncIterator

from aiohttp import web

from sandbox.chat.routes import ChatPage
from sandbox.chat.security import Gate
from sandbox.llm.server import LlmServer
from sandbox.settings import SandboxSettings
from sandbox.telegram.api import BotApi
from sandbox.telegram.world import World
from smart_kit.health import Health
from smart_kit.service import health_routes, http_loop, launch, run_loops


def create_app(settings: SandboxSettings) -> web.Application:
    """All that the sandbox serves. Raises ConfigurationError for a token that is none."""
    world = World.open(settings.state_dir / "sandbox", settings.telegram_token.get_secret_value())
    gate = Gate(settings.sandbox_chat_token.get_secret_value(), settings.sandbox_port)
    page = ChatPage(world, gate, settings.model_host)
    app = health_routes(Health("sandbox"))
    app.add_routes([*BotApi(world).routes(), *LlmServer().routes(), *page.routes()])

    async def stop(_: web.Application) -> None:
        world.stop()

    async def keep_open(_: web.Application) -> AsyncIterator[None]:
        yield
        world.close()

    app.on_shutdown.append(stop)
    app.cleanup_ctx.append(keep_open)
    return app


async def serve(settings: SandboxSettings) -> None:
    """Run until told to stop."""
    await run_loops(http_loop(create_app(settings), settings.bind_host, settings.sandbox_port))


if __name__ == "__main__":
    launch("sandbox", SandboxSettings, serve)
