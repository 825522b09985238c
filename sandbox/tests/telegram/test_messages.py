"""Messages of a bot: sent, edited, deleted; chat actions, drafts and button presses."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from sandbox.tests.sandbox_harness import ALICE, BOB, BotApiRefused, SandboxHarness


async def test_sent_message_is_returned_and_shown(sandbox: SandboxHarness) -> None:
    sent = await sandbox.call_bot_api(
        "sendMessage", chat_id=ALICE, text="<b>Hi</b>", parse_mode="HTML"
    )
    assert sent["chat"] == {
        "id": ALICE,
        "first_name": "Alice",
        "username": "alice",
        "type": "private",
    }
    assert sent["from"]["is_bot"] is True
    (shown,) = await sandbox.list_messages()
    assert (shown["from"], shown["text"]) == ("bot", "Hi")
    assert shown["entities"] == [{"type": "bold", "offset": 0, "length": 2}]


@pytest.mark.parametrize(
    ("parameters", "description"),
    [
        ({"text": "x"}, "chat_id is empty"),
        ({"chat_id": 5, "text": "x"}, "chat not found"),
        ({"chat_id": "@alice", "text": "x"}, "chat not found"),
        ({"chat_id": ALICE, "text": "x", "message_thread_id": 3}, "message thread not found"),
        (
            {"chat_id": ALICE, "text": "x", "reply_parameters": {"message_id": 99}},
            "message to be replied not found",
        ),
    ],
)
async def test_missing_chat_or_message_is_refused(
    sandbox: SandboxHarness, parameters: dict[str, Any], description: str
) -> None:
    with pytest.raises(BotApiRefused) as refused:
        await sandbox.call_bot_api("sendMessage", **parameters)
    assert (refused.value.status, refused.value.description) == (400, f"Bad Request: {description}")


async def test_reply_contains_the_original_message(sandbox: SandboxHarness) -> None:
    question = await sandbox.say("question")
    reply = {"message_id": question["message_id"]}
    sent = await sandbox.call_bot_api(
        "sendMessage", chat_id=ALICE, text="answer", reply_parameters=reply
    )
    assert sent["reply_to_message"]["text"] == "question"
    alone = {"message_id": 99, "allow_sending_without_reply": True}
    sent = await sandbox.call_bot_api(
        "sendMessage", chat_id=ALICE, text="x", reply_parameters=alone
    )
    assert "reply_to_message" not in sent


def _build_inline_keyboard(**button: Any) -> dict[str, Any]:
    return {"inline_keyboard": [[{"text": "x", **button}]]}


@pytest.mark.parametrize(
    ("markup", "description"),
    [
        (None, "object expected as reply markup"),
        ("[]", "object expected as reply markup"),
        ("{", "can't parse reply keyboard markup JSON object"),
        (_build_inline_keyboard(callback_data="я" * 33), "BUTTON_DATA_INVALID"),
        (
            _build_inline_keyboard(),
            "can't parse inline keyboard button: Text buttons are unallowed",
        ),
        (
            _build_inline_keyboard(callback_data="a", url="https://a.example"),
            "can't parse inline keyboard button: exactly one optional field must be used",
        ),
        (
            _build_inline_keyboard(url="nonsense"),
            "inline keyboard button URL 'nonsense' is invalid",
        ),
        (_build_inline_keyboard(callback_data="a", style="pink"), "BUTTON_STYLE_INVALID"),
        (
            {"inline_keyboard": [[{"callback_data": "a"}]]},
            "can't parse inline keyboard button: Can't find field \"text\"",
        ),
        (
            {"inline_keyboard": [{"text": "a"}]},
            'field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays',
        ),
        ({"inline_keyboard": [[{"text": "x", "callback_data": "a"}] * 101]}, "reply markup is too"),
        ({"keyboard": []}, "reply keyboard must be non-empty"),
    ],
)
async def test_invalid_keyboards_are_refused(
    sandbox: SandboxHarness, markup: object, description: str
) -> None:
    with pytest.raises(BotApiRefused) as refused:
        await sandbox.call_bot_api("sendMessage", chat_id=ALICE, text="x", reply_markup=markup)
    assert refused.value.description.startswith(f"Bad Request: {description}")


@pytest.mark.parametrize(
    "markup",
    [
        _build_inline_keyboard(callback_data="я" * 32, style="danger"),
        _build_inline_keyboard(url="https://a.example/"),
        _build_inline_keyboard(copy_text={"text": "x"}),
        _build_inline_keyboard(disabled={}),
        {"keyboard": [[{"text": "a"}, {"text": "b"}]], "resize_keyboard": True},
        {"remove_keyboard": True},
        {"force_reply": True},
    ],
)
async def test_keyboards_are_shown_on_the_page(
    sandbox: SandboxHarness, markup: dict[str, Any]
) -> None:
    await sandbox.call_bot_api("sendMessage", chat_id=ALICE, text="x", reply_markup=markup)
    assert (await sandbox.list_messages())[0]["reply_markup"] == markup


async def test_editing_replaces_text_and_removes_missing_buttons(
    sandbox: SandboxHarness,
) -> None:
    markup = _build_inline_keyboard(callback_data="a")
    sent = await sandbox.call_bot_api("sendMessage", chat_id=ALICE, text="x", reply_markup=markup)
    where = {"chat_id": ALICE, "message_id": sent["message_id"]}
    with pytest.raises(BotApiRefused, match="message is not modified"):
        await sandbox.call_bot_api("editMessageText", text="x", reply_markup=markup, **where)
    edited = await sandbox.call_bot_api("editMessageText", text="y", **where)
    assert "edit_date" in edited
    assert "reply_markup" not in edited
    with pytest.raises(BotApiRefused, match="message is not modified"):
        await sandbox.call_bot_api("editMessageReplyMarkup", **where)
    with pytest.raises(BotApiRefused, match="inline keyboard expected"):
        await sandbox.call_bot_api(
            "editMessageReplyMarkup", reply_markup={"keyboard": [["a"]]}, **where
        )
    again = await sandbox.call_bot_api("editMessageReplyMarkup", reply_markup=markup, **where)
    assert again["reply_markup"] == markup
    (shown,) = await sandbox.list_messages()
    assert (shown["text"], shown["edited"]) == ("y", True)


async def test_only_messages_of_the_bot_can_be_edited(sandbox: SandboxHarness) -> None:
    message = await sandbox.say("mine")
    where = {"chat_id": ALICE, "message_id": message["message_id"]}
    with pytest.raises(BotApiRefused, match="message can't be edited"):
        await sandbox.call_bot_api("editMessageText", text="y", **where)
    with pytest.raises(BotApiRefused, match="message to edit not found"):
        await sandbox.call_bot_api(
            "editMessageText", text="y", chat_id=BOB, message_id=message["message_id"]
        )


async def test_message_can_be_deleted_once_within_two_days(sandbox: SandboxHarness) -> None:
    sent = await sandbox.call_bot_api("sendMessage", chat_id=ALICE, text="x")
    where = {"chat_id": ALICE, "message_id": sent["message_id"]}
    with (
        time_machine.travel(datetime.now(UTC) + timedelta(hours=49)),
        pytest.raises(BotApiRefused, match="message can't be deleted"),
    ):
        await sandbox.call_bot_api("deleteMessage", **where)
    assert await sandbox.call_bot_api("deleteMessage", **where) is True
    assert await sandbox.list_messages() == []
    with pytest.raises(BotApiRefused, match="message to delete not found"):
        await sandbox.call_bot_api("deleteMessage", **where)


async def _is_typing(sandbox: SandboxHarness) -> bool:
    return bool((await sandbox.call_chat_api("GET", f"/chat/{ALICE}/messages"))["typing"])


async def test_typing_ends_with_the_next_message(sandbox: SandboxHarness) -> None:
    await sandbox.call_bot_api("sendChatAction", chat_id=ALICE, action="typing")
    assert await _is_typing(sandbox)
    await sandbox.call_bot_api("sendMessage", chat_id=ALICE, text="x")
    assert not await _is_typing(sandbox)
    with pytest.raises(BotApiRefused, match="wrong parameter action in request"):
        await sandbox.call_bot_api("sendChatAction", chat_id=ALICE, action="dancing")


async def test_draft_ends_with_the_next_message(
    sandbox: SandboxHarness,
) -> None:
    await sandbox.call_bot_api(
        "sendMessageDraft", chat_id=ALICE, draft_id=7, text="*so*", parse_mode="Markdown"
    )
    page = await sandbox.call_chat_api("GET", f"/chat/{ALICE}/messages")
    assert page["items"] == []
    assert page["draft"] == {
        "draft_id": "7",
        "text": "so",
        "entities": [{"type": "bold", "offset": 0, "length": 2}],
        "rich_message": None,
        "can_stop": False,
    }
    await sandbox.call_bot_api("sendMessage", chat_id=ALICE, text="x")
    assert (await sandbox.call_chat_api("GET", f"/chat/{ALICE}/messages"))["draft"] is None
    with pytest.raises(BotApiRefused, match="RANDOM_ID_INVALID"):
        await sandbox.call_bot_api("sendMessageDraft", chat_id=ALICE, draft_id=0, text="x")
    with pytest.raises(BotApiRefused, match="TEXTDRAFT_PEER_INVALID"):
        await sandbox.call_bot_api("sendMessageDraft", chat_id=-100, draft_id=1, text="x")


async def test_button_press_is_delivered_and_answered_once(sandbox: SandboxHarness) -> None:
    markup = _build_inline_keyboard(callback_data="yes")
    sent = await sandbox.call_bot_api("sendMessage", chat_id=ALICE, text="?", reply_markup=markup)
    press = {"message_id": sent["message_id"], "data": "yes"}
    pressed = await sandbox.call_chat_api("POST", f"/chat/{ALICE}/buttons", **press)
    (update,) = await sandbox.call_bot_api("getUpdates")
    query = update["callback_query"]
    assert (query["id"], query["data"]) == (pressed["callback_query_id"], "yes")
    assert query["from"]["id"] == ALICE
    assert query["message"]["message_id"] == sent["message_id"]
    with pytest.raises(BotApiRefused, match="MESSAGE_TOO_LONG"):
        await sandbox.call_bot_api(
            "answerCallbackQuery", callback_query_id=query["id"], text="x" * 201
        )
    assert await sandbox.call_bot_api("answerCallbackQuery", callback_query_id=query["id"]) is True
    with pytest.raises(BotApiRefused, match="query is too old and response timeout expired"):
        await sandbox.call_bot_api("answerCallbackQuery", callback_query_id=query["id"])
