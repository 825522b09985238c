"""A restart loses nothing."""

from pathlib import Path

import pytest

from sandbox.main import create_app
from sandbox.settings import SandboxSettings
from sandbox.tests.running import ALICE, CHAT_TOKEN, running
from smart_kit.errors import ConfigurationError


async def test_after_a_restart_everything_is_as_before(tmp_path: Path) -> None:
    commands = [{"command": "help", "description": "Help"}]
    async with running(tmp_path) as sandbox:
        await sandbox.bot("getUpdates", allowed_updates=["message"])
        await sandbox.say("hello")
        await sandbox.bot("sendMessage", chat_id=ALICE, text="hi")
        await sandbox.bot("setMyCommands", commands=commands)
        eve = await sandbox.page("POST", "/chat/people", first_name="Eve", language_code="de")
        shown = await sandbox.shown()
        (update,) = await sandbox.bot("getUpdates")
    async with running(tmp_path) as sandbox:
        assert await sandbox.shown() == shown
        assert await sandbox.bot("getUpdates") == [update]
        assert await sandbox.bot("getMyCommands") == commands
        assert (await sandbox.bot("getWebhookInfo"))["allowed_updates"] == ["message"]
        people = (await sandbox.page("GET", "/chat/people"))["items"]
        assert eve["id"] in [person["id"] for person in people]
        later = await sandbox.say("again")
        assert later["message_id"] > shown[-1]["message_id"]
        assert (await sandbox.bot("getUpdates"))[-1]["update_id"] == update["update_id"] + 1


async def test_a_fresh_sandbox_counts_updates_from_elsewhere(tmp_path: Path) -> None:
    """Who remembers the last update id must not take new updates for old ones."""
    seen = []
    for name in ("one", "two"):
        async with running(tmp_path / name) as sandbox:
            await sandbox.say("hello")
            seen.append((await sandbox.bot("getUpdates"))[0]["update_id"])
    assert seen[0] != seen[1]
    assert min(seen) > 100_000_000


def test_a_token_that_is_none_is_named(tmp_path: Path) -> None:
    settings = SandboxSettings(
        telegram_token="nonsense",
        sandbox_chat_token=CHAT_TOKEN,
        state_dir=tmp_path,
    )
    with pytest.raises(ConfigurationError, match="TELEGRAM_TOKEN"):
        create_app(settings)
