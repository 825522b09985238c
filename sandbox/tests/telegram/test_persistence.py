"""State that survives a restart."""

from pathlib import Path

import pytest

from sandbox.main import create_app
from sandbox.settings import SandboxSettings
from sandbox.tests.sandbox_harness import ALICE, CHAT_TOKEN, run_sandbox
from smart_kit.errors import ConfigurationError


async def test_state_survives_a_restart(tmp_path: Path) -> None:
    commands = [{"command": "help", "description": "Help"}]
    async with run_sandbox(tmp_path) as sandbox:
        await sandbox.call_bot_api("getUpdates", allowed_updates=["message"])
        await sandbox.say("hello")
        await sandbox.call_bot_api("sendMessage", chat_id=ALICE, text="hi")
        await sandbox.call_bot_api("setMyCommands", commands=commands)
        eve = await sandbox.call_chat_api(
            "POST", "/chat/people", first_name="Eve", language_code="de"
        )
        shown = await sandbox.list_messages()
        (update,) = await sandbox.call_bot_api("getUpdates")
    async with run_sandbox(tmp_path) as sandbox:
        assert await sandbox.list_messages() == shown
        assert await sandbox.call_bot_api("getUpdates") == [update]
        assert await sandbox.call_bot_api("getMyCommands") == commands
        assert (await sandbox.call_bot_api("getWebhookInfo"))["allowed_updates"] == ["message"]
        people = (await sandbox.call_chat_api("GET", "/chat/people"))["items"]
        assert eve["id"] in [person["id"] for person in people]
        later = await sandbox.say("again")
        assert later["message_id"] > shown[-1]["message_id"]
        assert (await sandbox.call_bot_api("getUpdates"))[-1]["update_id"] == update[
            "update_id"
        ] + 1


async def test_fresh_sandbox_starts_update_ids_at_random(tmp_path: Path) -> None:
    """A bot that stores the last update id must not take new updates for old ones."""
    seen = []
    for name in ("one", "two"):
        async with run_sandbox(tmp_path / name) as sandbox:
            await sandbox.say("hello")
            seen.append((await sandbox.call_bot_api("getUpdates"))[0]["update_id"])
    assert seen[0] != seen[1]
    assert min(seen) > 100_000_000


def test_malformed_token_is_a_configuration_error(tmp_path: Path) -> None:
    settings = SandboxSettings(
        telegram_token="nonsense",
        sandbox_chat_token=CHAT_TOKEN,
        state_dir=tmp_path,
    )
    with pytest.raises(ConfigurationError, match="TELEGRAM_TOKEN"):
        create_app(settings)


async def test_webhook_survives_a_restart(tmp_path: Path) -> None:
    url = "https://example.com/hook"
    async with run_sandbox(tmp_path) as sandbox:
        await sandbox.call_bot_api("setWebhook", url=url, secret_token="s")
    async with run_sandbox(tmp_path) as sandbox:
        assert (await sandbox.call_bot_api("getWebhookInfo"))["url"] == url
