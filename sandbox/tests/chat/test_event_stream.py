"""Live updates over Server-Sent Events."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from sandbox.tests.sandbox_harness import ALICE, CHAT_TOKEN, SandboxHarness

pytestmark = pytest.mark.clock("virtual")

TIMEOUT_SECONDS = 5.0


class EventStream:
    """The event stream of one connection."""

    def __init__(self, content: aiohttp.StreamReader) -> None:
        self._content = content

    async def next_event(self) -> tuple[str, dict[str, Any]]:
        """Return the next event's kind and data."""
        kind = ""
        while True:
            line = (
                (await asyncio.wait_for(self._content.readline(), TIMEOUT_SECONDS))
                .decode()
                .rstrip("\n")
            )
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: "):
                return kind, json.loads(line.removeprefix("data: "))


@asynccontextmanager
async def open_stream(sandbox: SandboxHarness) -> AsyncIterator[EventStream]:
    """Connect as the page does."""
    headers = {"Authorization": f"Bearer {CHAT_TOKEN}"}
    async with sandbox.http.get(f"{sandbox.url}/chat/events", headers=headers) as response:
        assert response.content_type == "text/event-stream"
        stream = EventStream(response.content)
        assert (await stream.next_event())[0] == "hello"
        yield stream


async def test_every_chat_event_is_streamed(sandbox: SandboxHarness) -> None:
    async with open_stream(sandbox) as stream:
        sent = await sandbox.say("hello")
        kind, data = await stream.next_event()
        assert (kind, data["message_id"], data["from"]) == ("message", sent["message_id"], "person")
        await sandbox.call_bot_api("sendChatAction", chat_id=ALICE, action="typing")
        assert (await stream.next_event()) == (
            "typing",
            {"person_id": ALICE, "typing": True, "action": "typing"},
        )
        sent = await sandbox.call_bot_api("sendMessage", chat_id=ALICE, text="hi")
        where = {"chat_id": ALICE, "message_id": sent["message_id"]}
        assert (await stream.next_event()) == ("typing", {"person_id": ALICE, "typing": False})
        assert (await stream.next_event())[0] == "message"
        await sandbox.call_bot_api("editMessageText", text="ho", **where)
        kind, data = await stream.next_event()
        assert (kind, data["text"], data["edited"]) == ("edit", "ho", True)
        await sandbox.call_bot_api("deleteMessage", **where)
        kind, data = await stream.next_event()
        assert (kind, data["message_id"]) == ("delete", sent["message_id"])


async def test_callback_answer_is_streamed(sandbox: SandboxHarness) -> None:
    markup = {"inline_keyboard": [[{"text": "Yes", "callback_data": "yes"}]]}
    sent = await sandbox.call_bot_api("sendMessage", chat_id=ALICE, text="?", reply_markup=markup)
    press = {"message_id": sent["message_id"], "data": "yes"}
    pressed = await sandbox.call_chat_api("POST", f"/chat/{ALICE}/buttons", **press)
    async with open_stream(sandbox) as stream:
        query = {"callback_query_id": pressed["callback_query_id"]}
        await sandbox.call_bot_api("answerCallbackQuery", text="Done", show_alert=True, **query)
        kind, data = await stream.next_event()
    assert (kind, data["text"], data["show_alert"]) == ("answer", "Done", True)
    assert data["callback_query_id"] == pressed["callback_query_id"]


async def test_changed_commands_are_streamed_to_every_page(sandbox: SandboxHarness) -> None:
    async with open_stream(sandbox) as stream:
        await sandbox.call_bot_api("setMyCommands", commands=[])
        assert (await stream.next_event())[0] == "bot"


async def test_violation_is_streamed_to_every_page(sandbox: SandboxHarness) -> None:
    async with open_stream(sandbox) as stream:
        await sandbox.call_bot_api("sendMessage", chat_id=ALICE, text="x", parsemode="HTML")
        assert await stream.next_event() == ("violations", {"person_id": None, "count": 1})


async def test_rich_draft_and_its_end_are_streamed(sandbox: SandboxHarness) -> None:
    async with open_stream(sandbox) as stream:
        rich = {"html": "<h1>a</h1>"}
        frame = {"chat_id": ALICE, "draft_id": 5, "can_stop": True}
        await sandbox.call_bot_api("sendRichMessageDraft", rich_message=rich, **frame)
        kind, data = await stream.next_event()
        assert (kind, data["draft_id"], data["can_stop"]) == ("draft", "5", True)
        assert data["rich_message"]["blocks"][0]["type"] == "heading"
        await sandbox.call_chat_api("POST", f"/chat/{ALICE}/stop", draft_id="5")
        assert (await stream.next_event())[1]["draft_id"] is None
