"""Telegram, the model and the users of a benchmark in one process, for any number of bots.

    python -m tests.load.fakes.server PORT

`POST /load` runs a LoadPlan and returns its LoadResult. `POST /finish` ends the load of the bot
whose token is the body, and returns what late answers have changed in that result. `GET /in-flight`
returns the number of model requests that wait for their answer. Both bots of a benchmark use the
same process, so that what it costs is the same for both.
"""

import asyncio
import gc
import json
import signal
import sys
from dataclasses import asdict

import uvloop
from aiohttp import web

from tests.load.fakes.bot_api import BotApi
from tests.load.fakes.load_generator import LoadGenerator
from tests.load.fakes.load_plan import LoadPlan
from tests.load.fakes.model import FakeModel

_GC_THRESHOLD = 100_000


class FakeServer:
    """Dispatches requests without a router, which would cost more than the responses."""

    def __init__(self) -> None:
        self._model = FakeModel()
        self._generator = LoadGenerator(self._model)
        self._bots: dict[str, BotApi] = {}

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        if path.startswith("/bot"):
            token, _, method = path[4:].partition("/")
            return await self._get_bot(token).respond(method, request)
        match path:
            case "/v1/chat/completions":
                return await self._model.respond(request)
            case "/v1/models":
                return web.json_response({"object": "list", "data": [{"id": "demo"}]})
            case "/in-flight":
                return web.json_response(self._model.in_flight)
            case "/load":
                plan = LoadPlan(**json.loads(await request.read()))
                result = await self._generator.run(self._get_bot(plan.token), plan)
                return web.json_response(asdict(result))
            case "/finish":
                bot = self._get_bot(await request.text())
                return web.json_response(self._generator.finish(bot))
        return web.Response(status=404)

    def _get_bot(self, token: str) -> BotApi:
        if token not in self._bots:
            self._bots[token] = BotApi(token)
        return self._bots[token]


async def serve(port: int) -> None:
    """Serve until SIGTERM."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    server = web.Server(FakeServer().handle, access_log=None)
    runner = web.ServerRunner(server)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=2048, shutdown_timeout=0.1).start()
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD)
    await stopped.wait()
    await runner.cleanup()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
