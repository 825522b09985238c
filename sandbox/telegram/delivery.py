"""Updates delivered to a webhook: in order, again with back-off until they are taken."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from sandbox.telegram.state.webhook import Target
from sandbox.telegram.world import World

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 60.0
ANSWER_SECONDS = 30.0
IDLE_SECONDS = 5.0
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 # a header's name

Perform = Callable[[str, dict[str, Any]], Awaitable[None]]


class Delivery:
    """Posts what waits, one update at a time; the answer may be a call of a method."""

    def __init__(self, world: World, perform: Perform) -> None:
        self._world = world
        self._perform = perform

    async def run(self) -> None:
        """Until cancelled."""
        pause = FIRST_PAUSE
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                self._world.webhook.changed.clear()
                target = self._world.webhook.target
                waiting = self._world.updates.numbered(1)
                if target is None or not waiting:
                    await self._idle(is_set=target is not None)
                    continue
                asked = await self._deliver(session, target, *waiting[0])
                if asked is None:
                    pause = FIRST_PAUSE
                    continue
                await self._until_changed(max(pause, asked))
                pause = min(2 * pause, LONGEST_PAUSE)

    async def _idle(self, *, is_set: bool) -> None:
        if is_set:
            await self._world.updates.arrival(IDLE_SECONDS)
        else:
            await self._until_changed(IDLE_SECONDS)

    async def _until_changed(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._world.webhook.changed.wait(), seconds)
        except TimeoutError:
            return

    async def _deliver(
        self, session: aiohttp.ClientSession, target: Target, update_id: int, update: Any
    ) -> float | None:
        """None: taken. Else the seconds that the other side wants to be left alone."""
        headers = {SECRET_HEADER: target.secret_token} if target.secret_token else {}
        try:
            async with session.post(target.url, json=update, headers=headers) as response:
                status, reason, body = response.status, response.reason, await response.read()
                asked = _seconds(response.headers.get("Retry-After", ""))
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            self._world.webhook.failed(_reason(error))
            return 0.0
        if 200 <= status < 300:
            await self._taken(update_id, body)
            return None
        self._world.webhook.failed(f"Wrong response from the webhook: {status} {reason}")
        if status == 410:
            self._world.webhook.gone()
            self._world.commit()
        return asked

    async def _taken(self, update_id: int, body: bytes) -> None:
        self._world.webhook.succeeded()
        self._world.confirm(update_id + 1)
        self._world.commit()
        call = _object(body)
        method = call.pop("method", None)
        if isinstance(method, str):
            await self._perform(method, call)


def _reason(error: BaseException) -> str:
    if isinstance(error, aiohttp.ClientConnectorError):
        return "Connection refused"
    return "Read timeout expired" if isinstance(error, TimeoutError) else "Connection closed"


def _seconds(value: str) -> float:
    return float(value) if value.isdecimal() else 0.0


def _object(body: bytes) -> dict[str, Any]:
    try:
        decoded = json.loads(body)
    except ValueError:
        return {}
    return decoded if isinstance(decoded, dict) else {}
