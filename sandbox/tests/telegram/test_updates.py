"""getUpdates: an update stays until it is confirmed."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from sandbox.tests.sandbox_harness import ALICE, BotApiRefused, SandboxHarness

TIMEOUT_SECONDS = 5.0
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


async def _get_update_texts(sandbox: SandboxHarness, **parameters: object) -> list[str]:
    updates = await sandbox.call_bot_api("getUpdates", **parameters)
    return [update["message"]["text"] for update in updates]


async def test_update_is_repeated_until_a_greater_offset_confirms_it(
    sandbox: SandboxHarness,
) -> None:
    await sandbox.say("one")
    await sandbox.say("two")
    first, second = await sandbox.call_bot_api("getUpdates")
    assert second["update_id"] == first["update_id"] + 1
    assert await _get_update_texts(sandbox, offset=first["update_id"]) == ["one", "two"]
    assert await _get_update_texts(sandbox, offset=second["update_id"]) == ["two"]
    assert await _get_update_texts(sandbox, offset=second["update_id"] + 1) == []


async def test_negative_offset_keeps_only_the_last_updates(
    sandbox: SandboxHarness,
) -> None:
    for text in ("one", "two", "three"):
        await sandbox.say(text)
    assert await _get_update_texts(sandbox, offset=-2) == ["two", "three"]
    assert await _get_update_texts(sandbox) == ["two", "three"]


async def test_out_of_range_numbers_are_clamped(sandbox: SandboxHarness) -> None:
    await sandbox.say("one")
    await sandbox.say("two")
    assert await _get_update_texts(sandbox, limit=0, timeout=-5) == ["one"]
    assert await _get_update_texts(sandbox, limit=100_000, timeout=1000) == ["one", "two"]


@pytest.mark.clock("virtual")
async def test_waiting_poll_returns_a_new_update(sandbox: SandboxHarness) -> None:
    poll = asyncio.create_task(_get_update_texts(sandbox, timeout=30))
    await _wait_until_polling(sandbox)
    await sandbox.say("hello")
    assert await asyncio.wait_for(poll, TIMEOUT_SECONDS) == ["hello"]


async def _wait_until_polling(sandbox: SandboxHarness) -> None:
    """Send requests that are served only after the pending poll waits."""
    for _ in range(3):
        await sandbox.call_bot_api("getMe")


@pytest.mark.clock("virtual")
async def test_newer_poll_ends_the_older_poll(sandbox: SandboxHarness) -> None:
    older = asyncio.create_task(_get_update_texts(sandbox, timeout=30))
    await _wait_until_polling(sandbox)
    newer = asyncio.create_task(_get_update_texts(sandbox, timeout=30))
    with pytest.raises(
        BotApiRefused, match="Conflict: terminated by other getUpdates request"
    ) as caught:
        await asyncio.wait_for(older, TIMEOUT_SECONDS)
    assert caught.value.status == 409
    await sandbox.say("hello")
    assert await asyncio.wait_for(newer, TIMEOUT_SECONDS) == ["hello"]


async def test_allowed_updates_stay_until_changed(sandbox: SandboxHarness) -> None:
    await sandbox.call_bot_api("getUpdates", allowed_updates=["callback_query"])
    await sandbox.say("unwanted")
    await sandbox.call_bot_api("getUpdates")
    await sandbox.say("still unwanted")
    info = await sandbox.call_bot_api("getWebhookInfo")
    assert info["allowed_updates"] == ["callback_query"]
    await sandbox.call_bot_api("getUpdates", allowed_updates=[])
    await sandbox.say("wanted")
    assert await _get_update_texts(sandbox) == ["wanted"]


@pytest.mark.parametrize("kinds", ["nonsense", ["no_such_kind"]])
async def test_unknown_update_kinds_select_the_default(
    sandbox: SandboxHarness, kinds: object
) -> None:
    await sandbox.call_bot_api("getUpdates", allowed_updates=kinds)
    await sandbox.say("wanted")
    assert await _get_update_texts(sandbox) == ["wanted"]


async def test_updates_expire_after_their_lifetime(
    sandbox: SandboxHarness,
) -> None:
    markup = {"inline_keyboard": [[{"text": "Yes", "callback_data": "yes"}]]}
    with time_machine.travel(NOON, tick=False) as clock:
        sent = await sandbox.call_bot_api(
            "sendMessage", chat_id=ALICE, text="?", reply_markup=markup
        )
        await sandbox.say("hello")
        press = {"message_id": sent["message_id"], "data": "yes"}
        await sandbox.call_chat_api("POST", f"/chat/{ALICE}/buttons", **press)
        for later, kinds in (
            (timedelta(seconds=149), ["message", "callback_query"]),
            (timedelta(seconds=150), ["message"]),
            (timedelta(hours=24, seconds=-1), ["message"]),
            (timedelta(hours=24), []),
        ):
            clock.move_to(NOON + later)
            updates = await sandbox.call_bot_api("getUpdates")
            assert [kind for update in updates for kind in update if kind != "update_id"] == kinds


async def test_delete_webhook_drops_pending_updates_on_request(sandbox: SandboxHarness) -> None:
    await sandbox.say("old")
    assert (await sandbox.call_bot_api("getWebhookInfo"))["pending_update_count"] == 1
    assert await sandbox.call_bot_api("deleteWebhook", drop_pending_updates=True) is True
    info = await sandbox.call_bot_api("getWebhookInfo")
    assert info == {"url": "", "has_custom_certificate": False, "pending_update_count": 0}


async def test_message_is_marked_read_when_its_update_is_confirmed(
    sandbox: SandboxHarness,
) -> None:
    await sandbox.say("hello")
    (update,) = await sandbox.call_bot_api("getUpdates")
    assert [message["read"] for message in await sandbox.list_messages()] == [False]
    await sandbox.call_bot_api("getUpdates", offset=update["update_id"] + 1)
    assert [message["read"] for message in await sandbox.list_messages()] == [True]
