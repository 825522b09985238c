"""Starts a sandbox on a real socket; tests call it as a bot and as a person."""

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from sandbox.main import create_app
from sandbox.settings import SandboxSettings

TOKEN = "424242:AAF-a-token-for-tests"
CHAT_TOKEN = "a-chat-token-for-tests"
ALICE, BOB = 1001, 1002


class BotApiRefused(Exception):
    """The Bot API refused a call."""

    def __init__(self, status: int, envelope: dict[str, Any], headers: Mapping[str, str]) -> None:
        super().__init__(envelope["description"])
        self.status = status
        self.description: str = envelope["description"]
        self.parameters: dict[str, int] = envelope.get("parameters", {})
        self.headers = headers


class SandboxHarness:
    """A running sandbox with the calls of a bot and of the chat page."""

    def __init__(self, port: int, session: aiohttp.ClientSession) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.port = port
        self.http = session

    async def call_bot_api(self, method: str, /, **parameters: Any) -> Any:
        """Return the result of a Bot API call. Raises BotApiRefused."""
        url = f"{self.url}/bot{TOKEN}/{method}"
        async with self.http.post(url, json=parameters) as response:
            envelope = await response.json()
        if not envelope["ok"]:
            assert response.status == envelope["error_code"]
            raise BotApiRefused(response.status, envelope, response.headers)
        return envelope["result"]

    async def call_chat_api(self, method: str, path: str, /, **body: Any) -> Any:
        """Return the response of the chat page's API."""
        headers = {"Authorization": f"Bearer {CHAT_TOKEN}"}
        async with self.http.request(
            method, self.url + path, json=body or None, headers=headers
        ) as response:
            content = await response.json()
            assert response.status == 200, content
            return content

    async def say(self, text: str, person: int = ALICE) -> dict[str, Any]:
        """Send a person's text to the bot and return the message."""
        message: dict[str, Any] = await self.call_chat_api(
            "POST", f"/chat/{person}/messages", text=text
        )
        return message

    async def get_violations(self) -> list[str]:
        """Return the recorded violations as `method: kind: detail`."""
        found = (await self.call_chat_api("GET", "/chat/api/violations"))["items"]
        return [
            f"{violation['method']}: {violation['kind']}: {violation['detail']}"
            for violation in found
        ]

    async def inject_fault(self, kind: str, method: str = "*", **details: Any) -> None:
        """Inject a fault into the next call."""
        await self.call_chat_api("POST", "/chat/api/faults", kind=kind, method=method, **details)

    async def set_limits(self, **limits: float) -> None:
        """Change the flood limits."""
        await self.call_chat_api("PUT", "/chat/api/limits", **limits)

    async def list_messages(self, person: int = ALICE) -> list[dict[str, Any]]:
        """Return the messages of a chat as the page gets them."""
        items: list[dict[str, Any]] = (await self.call_chat_api("GET", f"/chat/{person}/messages"))[
            "items"
        ]
        return items


@asynccontextmanager
async def run_sandbox(state_dir: Path, **settings: Any) -> AsyncIterator[SandboxHarness]:
    """Run a sandbox with its state in this folder."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))  # reserves the port
    port: int = listener.getsockname()[1]
    app = create_app(
        SandboxSettings(
            sandbox_port=port,
            telegram_token=SecretStr(TOKEN),
            sandbox_chat_token=SecretStr(CHAT_TOKEN),
            state_dir=state_dir,
            **settings,
        )
    )
    async with (
        aiohttp.ClientSession() as session,
        TestServer(app, host="127.0.0.1", port=port, socket_factory=lambda *_: listener),
    ):
        yield SandboxHarness(port, session)
