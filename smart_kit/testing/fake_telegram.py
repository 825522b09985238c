"""A small Bot API on a real socket that records every call and fails on demand.

It refuses what Telegram refuses of the bot's messages: an empty or too long text, entities out of
bounds, a rich message without content. Of two concurrent polls, the older one gets a 409. It stores
the address of a webhook without calling it: tests post updates themselves. The sandbox is the full
stand-in; this one is for faults.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web
from aiohttp.test_utils import TestServer

TOKEN = "424242:fake-token-of-no-worth-0123456789abc"
BOT = {"id": 424242, "is_bot": True, "first_name": "Fake", "username": "fake_bot"}

_MAX_TEXT = 4096
_MAX_RICH_TEXT = 32_768
_WEBHOOK_CONFLICT = (
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete "
    "the webhook first"
)
_POLLING_CONFLICT = (
    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is "
    "running"
)


@dataclass(frozen=True)
class BotApiCall:
    """A recorded request."""

    method: str
    parameters: dict[str, Any]
    path_prefix: str = ""
    """The part of the path before `/bot`, by which tests tell callers apart."""

    @property
    def chat_id(self) -> int:
        return int(self.parameters["chat_id"])

    @property
    def text(self) -> str:
        """The text of the message; for a rich message, its text without layout."""
        if self.method == "sendRichMessage":
            return _flatten_text(self.parameters["rich_message"]["blocks"])
        return str(self.parameters["text"])


@dataclass(frozen=True)
class ScriptedApiResponse:
    """What the next call of a method gets instead of a response."""

    status: int = 200
    body: Any = None
    """A dict is sent as JSON, a string as HTML."""
    headers: dict[str, str] = field(default_factory=dict)
    disconnect: Literal["", "before", "after"] = ""
    """Close the connection without a response, before or after the call takes effect."""
    delay_seconds: float = 0.0
    """Seconds to wait first."""
    release_event: asyncio.Event | None = None
    """Event to wait for first."""


def make_api_error(code: int, description: str, **parameters: Any) -> ScriptedApiResponse:
    """Build an error response of Telegram."""
    body = {"ok": False, "error_code": code, "description": description}
    return ScriptedApiResponse(code, body | ({"parameters": parameters} if parameters else {}))


class FakeTelegram:
    """The state of the server, which tests read and change."""

    def __init__(self) -> None:
        self.url = ""
        self.calls: list[BotApiCall] = []
        self.sent: list[BotApiCall] = []
        """Messages that reached their chat, even if the sender got no response."""
        self.updates: list[Any] = []
        """Updates that are not confirmed yet."""
        self.webhook: dict[str, Any] = {}
        """The parameters of setWebhook; empty: no webhook."""
        self.webhook_error_info: dict[str, Any] = {}
        """The delivery errors that getWebhookInfo reports."""
        self.is_ignoring_offsets = False
        """Whether confirmations are ignored."""
        self.on_confirm: Callable[[int], Awaitable[None]] | None = None
        """Called with each offset before it takes effect."""
        self.is_poll_timeout_disabled = False
        """Whether a poll waits for updates or another poll without a time-out."""
        self.conflicts = 0
        """Number of polls that another poll ended."""
        self._newest_poll: object = None
        self._scripts: dict[str, deque[ScriptedApiResponse]] = defaultdict(deque)
        self._changed = asyncio.Event()

    def push(self, *updates: Any) -> None:
        self.updates += updates
        self._changed.set()

    def script_responses(self, method: str, *responses: ScriptedApiResponse) -> None:
        """Let the next calls of a method fail, one fault each."""
        self._scripts[method].extend(responses)

    def calls_to(self, method: str) -> list[BotApiCall]:
        return [call for call in self.calls if call.method == method]

    def sent_texts(self, chat_id: int) -> list[str]:
        """Return the texts that a user sees in a chat."""
        return [call.text for call in self.sent if call.chat_id == chat_id]

    async def wait_until(self, condition: Callable[[], bool], seconds: float = 60.0) -> None:
        """Wait for a condition. Fails the test if it never holds."""
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"never happened; calls: {self.calls}") from None

    async def handle_request(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        given = await request.json() if request.can_read_body else {}
        call = BotApiCall(method, given, request.match_info.get("path_prefix", ""))
        self.calls.append(call)
        self._changed.set()
        if request.match_info["token"] != TOKEN:
            return _to_http_response(make_api_error(401, "Unauthorized"))
        if not self._scripts[method]:
            return _to_http_response(await self._execute(call))
        scripted = self._scripts[method].popleft()
        await asyncio.sleep(scripted.delay_seconds)
        if scripted.release_event is not None:
            await scripted.release_event.wait()
        if scripted.disconnect:
            if scripted.disconnect == "after":
                await self._execute(call)
            assert request.transport is not None
            request.transport.abort()
            return web.Response()  # reaches no client
        return _to_http_response(await self._execute(call) if scripted.body is None else scripted)

    async def _execute(self, call: BotApiCall) -> ScriptedApiResponse:
        match call.method:
            case "getUpdates" if self.webhook:
                return make_api_error(409, _WEBHOOK_CONFLICT)
            case "getUpdates":
                return await self._get_updates(call.parameters)
            case "sendMessage" | "sendRichMessage":
                return self._send(call)
            case "setWebhook" | "deleteWebhook":
                self.webhook = call.parameters if call.method == "setWebhook" else {}
            case "getWebhookInfo":
                info = {"url": self.webhook.get("url", "")}
                info |= {"pending_update_count": len(self.updates)} | self.webhook_error_info
                return _make_ok_response(info)
        return _make_ok_response(BOT if call.method == "getMe" else True)

    async def _get_updates(self, parameters: dict[str, Any]) -> ScriptedApiResponse:
        offset, seconds = parameters.get("offset") or 0, parameters.get("timeout", 0)
        if seconds and self.is_poll_timeout_disabled:
            seconds = None
        self._newest_poll = poll = object()
        self._changed.set()
        if self.on_confirm is not None:
            await self.on_confirm(offset)
        if not self.is_ignoring_offsets:
            self.updates = [
                update for update in self.updates if _get_update_id(update, offset) >= offset
            ]
            self._changed.set()
        try:
            async with asyncio.timeout(seconds):
                while not self.updates and self._newest_poll is poll:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            pass
        if self._newest_poll is not poll:
            self.conflicts += 1
            return make_api_error(409, _POLLING_CONFLICT)
        return _make_ok_response(self.updates[:100])

    def _send(self, call: BotApiCall) -> ScriptedApiResponse:
        if problem := _find_error(call):
            return make_api_error(400, f"Bad Request: {problem}")
        self.sent.append(call)
        self._changed.set()
        chat = {"id": call.chat_id}
        return _make_ok_response({"message_id": len(self.sent), "chat": chat, "text": call.text})


@asynccontextmanager
async def fake_telegram() -> AsyncIterator[FakeTelegram]:
    """Run a server for the duration of the block."""
    fake = FakeTelegram()
    app = web.Application()
    for path in ("/bot{token}/{method}", "/{path_prefix}/bot{token}/{method}"):
        app.router.add_post(path, fake.handle_request)
    server = TestServer(app)
    await server.start_server(access_log=None, shutdown_timeout=0.1)
    fake.url = f"http://127.0.0.1:{server.port}"
    try:
        yield fake
    finally:
        await server.close()


def utf16_length(text: str) -> int:
    """Return the length of a text in UTF-16 code units, as Telegram counts."""
    return len(text.encode("utf-16-le")) // 2


def _find_error(call: BotApiCall) -> str:
    if call.method == "sendRichMessage":
        return _find_rich_message_error(call.parameters)
    length = utf16_length(call.text)
    if not call.text.strip():
        return "message text is empty"
    if length > _MAX_TEXT:
        return "message is too long"
    for entity in call.parameters.get("entities", ()):
        if entity["length"] <= 0 or not 0 <= entity["offset"] <= length - entity["length"]:
            return f"entity beginning at UTF-16 offset {entity['offset']} ends after the text"
    return ""


def _find_rich_message_error(parameters: dict[str, Any]) -> str:
    if unknown := parameters.keys() & {"text", "parse_mode", "entities", "link_preview_options"}:
        return f"sendRichMessage has no {', '.join(sorted(unknown))}"
    blocks = parameters["rich_message"].get("blocks")
    if not blocks or any(_has_empty_content(block) for block in blocks):
        return "RICH_MESSAGE_CONTENT_REQUIRED"
    return "RICH_MESSAGE_TEXT_TOO_LONG" if len(_flatten_text(blocks)) > _MAX_RICH_TEXT else ""


def _has_empty_content(block: dict[str, Any]) -> bool:
    inner = [*block.get("blocks", ()), *block.get("items", ())]
    return any(value in ("", []) for value in block.values()) or any(map(_has_empty_content, inner))


def _flatten_text(value: Any) -> str:
    """Return one line for each block, item and cell."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        is_text = any(isinstance(part, str) for part in value)
        return ("" if is_text else "\n").join(filter(None, map(_flatten_text, value)))
    parts = (value.get(name) for name in ("text", "expression", "blocks", "items", "cells"))
    return "\n".join(_flatten_text(part) for part in parts if part)


def _get_update_id(update: Any, default: int) -> int:
    """Return the id of an update. Malformed updates may have none."""
    found = update.get("update_id") if isinstance(update, dict) else None
    return found if isinstance(found, int) else default


def _make_ok_response(result: Any) -> ScriptedApiResponse:
    return ScriptedApiResponse(200, {"ok": True, "result": result})


def _to_http_response(scripted: ScriptedApiResponse) -> web.Response:
    status, body, headers = scripted.status, scripted.body, scripted.headers
    if isinstance(body, str):
        return web.Response(status=status, text=body, content_type="text/html", headers=headers)
    return web.json_response(body, status=status, headers=headers)
