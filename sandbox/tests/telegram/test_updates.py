"""getUpdates: nothing is lost before it is confirmed."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from sandbox.tests.sandbox_harness import ALICE, BotRefused, SandboxHarness

SOON = 5.0
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


async def _texts(sandbox: SandboxHarness, **parameters: object) -> list[str]:
    updates = await sandbox.bot("getUpdates", **parameters)
    return [update["message"]["text"] for update in updates]


async def test_an_update_comes_again_until_a_greater_offset_confirms_it(
    sandbox: SandboxHarness,
) -> None:
    await sandbox.say("one")
    await sandbox.say("two")
    first, second = await sandbox.bot("getUpdates")
    assert second["update_id"] == first["update_id"] + 1
    assert await _texts(sandbox, offset=first["update_id"]) == ["one", "two"]
    assert await _texts(sandbox, offset=second["update_id"]) == ["two"]
    assert await _texts(sandbox, offset=second["update_id"] + 1) == []


async def test_a_negative_offset_keeps_the_last_ones_and_forgets_the_rest(
    sandbox: SandboxHarness,
) -> None:
    for text in ("one", "two", "three"):
        await sandbox.say(text)
    assert await _texts(sandbox, offset=-2) == ["two", "three"]
    assert await _texts(sandbox) == ["two", "three"]


async def test_out_of_range_numbers_are_clamped(sandbox: SandboxHarness) -> None:
    await sandbox.say("one")
    await sandbox.say("two")
    assert await _texts(sandbox, limit=0, timeout=-5) == ["one"]
    assert await _texts(sandbox, limit=100_000, timeout=1000) == ["one", "two"]


@pytest.mark.clock("virtual")
async def test_a_waiting_poll_is_answered_when_something_comes(sandbox: SandboxHarness) -> None:
    poll = asyncio.create_task(_texts(sandbox, timeout=30))
    await _until_polled(sandbox)
    await sandbox.say("hello")
    assert await asyncio.wait_for(poll, SOON) == ["hello"]


async def _until_polled(sandbox: SandboxHarness) -> None:
    """Another request is served only after the poll before it has begun to wait."""
    for _ in range(3):
        await sandbox.bot("getMe")


@pytest.mark.clock("virtual")
async def test_of_two_waiting_polls_the_older_loses(sandbox: SandboxHarness) -> None:
    older = asyncio.create_task(_texts(sandbox, timeout=30))
    await _until_polled(sandbox)
    newer = asyncio.create_task(_texts(sandbox, timeout=30))
    with pytest.raises(BotRefused, match="Conflict: terminated by other getUpdates request") as no:
        await asyncio.wait_for(older, SOON)
    assert no.value.status == 409
    await sandbox.say("hello")
    assert await asyncio.wait_for(newer, SOON) == ["hello"]


async def test_allowed_updates_stay_until_others_are_named(sandbox: SandboxHarness) -> None:
    await sandbox.bot("getUpdates", allowed_updates=["callback_query"])
    await sandbox.say("unwanted")
    await sandbox.bot("getUpdates")
    await sandbox.say("still unwanted")
    info = await sandbox.bot("getWebhookInfo")
    assert info["allowed_updates"] == ["callback_query"]
    await sandbox.bot("getUpdates", allowed_updates=[])
    await sandbox.say("wanted")
    assert await _texts(sandbox) == ["wanted"]


@pytest.mark.parametrize("kinds", ["nonsense", ["no_such_kind"]])
async def test_kinds_that_nobody_knows_mean_the_default(
    sandbox: SandboxHarness, kinds: object
) -> None:
    await sandbox.bot("getUpdates", allowed_updates=kinds)
    await sandbox.say("wanted")
    assert await _texts(sandbox) == ["wanted"]


async def test_a_pressed_button_is_forgotten_after_150_seconds_a_message_after_a_day(
    sandbox: SandboxHarness,
) -> None:
    markup = {"inline_keyboard": [[{"text": "Yes", "callback_data": "yes"}]]}
    with time_machine.travel(NOON, tick=False) as clock:
        sent = await sandbox.bot("sendMessage", chat_id=ALICE, text="?", reply_markup=markup)
        await sandbox.say("hello")
        press = {"message_id": sent["message_id"], "data": "yes"}
        await sandbox.page("POST", f"/chat/{ALICE}/buttons", **press)
        for later, kinds in (
            (timedelta(seconds=149), ["message", "callback_query"]),
            (timedelta(seconds=150), ["message"]),
            (timedelta(hours=24, seconds=-1), ["message"]),
            (timedelta(hours=24), []),
        ):
            clock.move_to(NOON + later)
            updates = await sandbox.bot("getUpdates")
            assert [kind for update in updates for kind in update if kind != "update_id"] == kinds


async def test_without_a_webhook_updates_wait_and_may_be_dropped(sandbox: SandboxHarness) -> None:
    await sandbox.say("old")
    assert (await sandbox.bot("getWebhookInfo"))["pending_update_count"] == 1
    assert await sandbox.bot("deleteWebhook", drop_pending_updates=True) is True
    info = await sandbox.bot("getWebhookInfo")
    assert info == {"url": "", "has_custom_certificate": False, "pending_update_count": 0}


async def test_a_message_is_marked_read_once_the_bot_has_confirmed_it(
    sandbox: SandboxHarness,
) -> None:
    await sandbox.say("hello")
    (update,) = await sandbox.bot("getUpdates")
    assert [message["read"] for message in await sandbox.chat_messages()] == [False]
    await sandbox.bot("getUpdates", offset=update["update_id"] + 1)
    assert [message["read"] for message in await sandbox.chat_messages()] == [True]
