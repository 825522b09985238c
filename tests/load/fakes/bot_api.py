"""The Bot API of one bot, with as little work for each call as possible."""

import asyncio
import json
import re
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from tests.load.fakes.model import MARK

_NUMBER = re.compile(rf"{MARK}(\d+)")
_MAX_BATCH = 100
"""Telegram's limit of updates in one response."""
_TRUE = b'{"ok":true,"result":true}'

AnswerListener = Callable[[int, int | None], None]
"""Called with the chat and the number of the question that a message answers, if any."""


class BotApi:
    """The updates of one bot, and its calls."""

    def __init__(self, token: str) -> None:
        self.calls = Counter[str]()
        self.on_answer: AnswerListener = lambda _chat, _number: None
        self._bot_id = int(token.partition(":")[0])
        self._updates = deque[tuple[int, bytes]]()
        self._last_update_id = 0
        self._last_message_id = 0
        self._has_updates = asyncio.Event()

    def push_message(self, person: int, text: str) -> None:
        """Make a message of a person available to the bot."""
        self._last_update_id += 1
        name = f"Person {person}"
        sender = {"id": person, "is_bot": False, "first_name": name, "language_code": "en"}
        message = self._make_message(person, text) | {"from": sender}
        update = {"update_id": self._last_update_id, "message": message}
        self._updates.append((self._last_update_id, json.dumps(update).encode()))
        self._has_updates.set()

    async def respond(self, method: str, request: web.BaseRequest) -> web.Response:
        self.calls[method] += 1
        body = await request.read()
        match method:
            case "getUpdates":
                result = await self._get_updates(_parse_parameters(request, body))
            case "sendMessage" | "sendRichMessage":
                result = self._send(_parse_parameters(request, body))
            case "getMe":
                bot = {"id": self._bot_id, "is_bot": True, "first_name": "B", "username": "b_bot"}
                result = _encode_result(bot)
            case "getWebhookInfo":
                result = _encode_result(
                    {"url": "", "has_custom_certificate": False, "pending_update_count": 0}
                )
            case _:
                result = _TRUE
        return web.Response(body=result, content_type="application/json")

    async def _get_updates(self, parameters: dict[str, Any]) -> bytes:
        offset = int(parameters.get("offset") or 0)
        while self._updates and self._updates[0][0] < offset:
            self._updates.popleft()
        if not self._updates:
            self._has_updates.clear()
            try:
                async with asyncio.timeout(float(parameters.get("timeout") or 0)):
                    await self._has_updates.wait()
            except TimeoutError:
                pass
        count = min(int(parameters.get("limit") or _MAX_BATCH), _MAX_BATCH, len(self._updates))
        batch = b",".join(self._updates[position][1] for position in range(count))
        return b'{"ok":true,"result":[' + batch + b"]}"

    def _send(self, parameters: dict[str, Any]) -> bytes:
        chat = int(parameters["chat_id"])
        # the text of a rich message is spread over its blocks
        text = str(parameters.get("text") or json.dumps(parameters.get("rich_message")))
        found = _NUMBER.findall(text)
        self.on_answer(chat, int(found[-1]) if found else None)
        return _encode_result(self._make_message(chat, text))

    def _make_message(self, chat: int, text: str) -> dict[str, Any]:
        self._last_message_id += 1
        return {
            "message_id": self._last_message_id,
            "date": int(time.time()),
            "chat": {"id": chat, "type": "private", "first_name": f"Person {chat}"},
            "text": text,
        }


def _parse_parameters(request: web.BaseRequest, body: bytes) -> dict[str, Any]:
    if request.content_type == "application/json":
        parsed: dict[str, Any] = json.loads(body or b"{}")
        return parsed
    return dict(parse_qsl(body.decode()))


def _encode_result(result: dict[str, Any]) -> bytes:
    return b'{"ok":true,"result":' + json.dumps(result).encode() + b"}"
