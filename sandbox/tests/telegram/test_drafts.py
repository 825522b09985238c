"""Drafts: shown in private chats until the bot's next message or Stop."""

from typing import Any

import pytest

from sandbox.tests.sandbox_harness import ALICE, CHAT_TOKEN, BotApiRefused, SandboxHarness


async def _get_draft(sandbox: SandboxHarness) -> dict[str, Any] | None:
    draft: dict[str, Any] | None = (await sandbox.call_chat_api("GET", f"/chat/{ALICE}/messages"))[
        "draft"
    ]
    return draft


async def _stop_draft(sandbox: SandboxHarness, draft_id: int) -> int:
    url = f"{sandbox.url}/chat/{ALICE}/stop"
    headers = {"Authorization": f"Bearer {CHAT_TOKEN}"}
    async with sandbox.http.post(url, json={"draft_id": str(draft_id)}, headers=headers) as answer:
        return answer.status


@pytest.mark.parametrize(
    ("parameters", "description"),
    [
        ({"chat_id": ALICE, "draft_id": 0}, "RANDOM_ID_INVALID"),
        ({"chat_id": ALICE, "draft_id": "seven"}, "RANDOM_ID_INVALID"),
        ({"chat_id": -100, "draft_id": 1}, "TEXTDRAFT_PEER_INVALID"),
        ({"chat_id": "@alice", "draft_id": 1}, "TEXTDRAFT_PEER_INVALID"),
        ({"chat_id": 5, "draft_id": 1}, "chat not found"),
        ({"chat_id": ALICE, "draft_id": 1, "message_thread_id": 3}, "message thread not found"),
    ],
)
@pytest.mark.parametrize(
    ("method", "content"),
    [
        ("sendMessageDraft", {"text": "x"}),
        ("sendRichMessageDraft", {"rich_message": {"html": "x"}}),
    ],
)
async def test_invalid_drafts_are_refused(
    sandbox: SandboxHarness,
    method: str,
    content: dict[str, Any],
    parameters: dict[str, Any],
    description: str,
) -> None:
    with pytest.raises(BotApiRefused) as refused:
        await sandbox.call_bot_api(method, **parameters, **content)
    assert (refused.value.status, refused.value.description) == (400, f"Bad Request: {description}")


async def test_draft_may_be_empty_or_contain_a_thinking_block(
    sandbox: SandboxHarness,
) -> None:
    assert (
        await sandbox.call_bot_api("sendMessageDraft", chat_id=ALICE, draft_id=1, text="") is True
    )
    assert (await _get_draft(sandbox) or {})["text"] == ""
    rich = {"html": "<tg-thinking>Searching</tg-thinking>"}
    await sandbox.call_bot_api("sendRichMessageDraft", chat_id=ALICE, draft_id=1, rich_message=rich)
    blocks = (await _get_draft(sandbox) or {})["rich_message"]["blocks"]
    assert blocks == [{"type": "thinking", "text": "Searching"}]


async def test_draft_may_not_load_media(sandbox: SandboxHarness) -> None:
    rich = {"html": '<img src="https://a.example/b.png">'}
    with pytest.raises(BotApiRefused, match="MEDIA_INVALID"):
        await sandbox.call_bot_api(
            "sendRichMessageDraft", chat_id=ALICE, draft_id=1, rich_message=rich
        )


async def test_stop_is_delivered_and_hides_later_frames(
    sandbox: SandboxHarness,
) -> None:
    frame = {"chat_id": ALICE, "draft_id": 2**60, "can_stop": True}
    await sandbox.call_bot_api("sendMessageDraft", text="so", **frame)
    assert (await _get_draft(sandbox) or {})["can_stop"] is True
    assert await _stop_draft(sandbox, 2**60) == 200
    assert await _get_draft(sandbox) is None
    (update,) = await sandbox.call_bot_api("getUpdates")
    stopped = update["stopped_message_generation"]
    assert (stopped["chat"]["id"], stopped["draft_id"]) == (ALICE, 2**60)
    assert "from" not in stopped
    assert await sandbox.call_bot_api("sendMessageDraft", text="so far", **frame) is True
    assert await _get_draft(sandbox) is None
    await sandbox.call_bot_api("sendMessageDraft", text="another", **(frame | {"draft_id": 3}))
    assert (await _get_draft(sandbox) or {})["text"] == "another"


async def test_keep_on_stop_keeps_the_draft_until_the_message(
    sandbox: SandboxHarness,
) -> None:
    frame = {"chat_id": ALICE, "draft_id": 1, "can_stop": True, "keep_on_stop": True}
    await sandbox.call_bot_api("sendMessageDraft", text="partial", **frame)
    assert await _stop_draft(sandbox, 1) == 200
    draft = await _get_draft(sandbox) or {}
    assert (draft["text"], draft["can_stop"]) == ("partial", False)
    assert await _stop_draft(sandbox, 1) == 404
    await sandbox.call_bot_api("sendMessage", chat_id=ALICE, text="partial")
    assert await _get_draft(sandbox) is None


async def test_only_stoppable_drafts_can_be_stopped(sandbox: SandboxHarness) -> None:
    await sandbox.call_bot_api("sendMessageDraft", chat_id=ALICE, draft_id=1, text="x")
    assert await _stop_draft(sandbox, 1) == 404
    assert await _stop_draft(sandbox, 2) == 404
    assert await sandbox.call_bot_api("getUpdates") == []


async def test_stop_is_not_delivered_unless_allowed(sandbox: SandboxHarness) -> None:
    await sandbox.call_bot_api("getUpdates", allowed_updates=["message"])
    await sandbox.call_bot_api(
        "sendMessageDraft", chat_id=ALICE, draft_id=1, text="x", can_stop=True
    )
    assert await _stop_draft(sandbox, 1) == 200
    assert await sandbox.call_bot_api("getUpdates") == []
