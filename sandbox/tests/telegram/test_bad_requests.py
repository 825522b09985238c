"""Errors of each method: exact code and description."""

from typing import Any

import pytest

from sandbox.tests.sandbox_harness import ALICE, BotApiRefused, SandboxHarness

BOLD = {"type": "bold", "offset": 0, "length": 1}
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the "
    "same as a current content and reply markup of the message"
)
BEGINNING = "entity beginning at UTF-16 offset 0 ends"
TOO_OLD = "query is too old and response timeout expired or query ID is invalid"


def _build_button(**fields: Any) -> dict[str, Any]:
    return {"inline_keyboard": [[{"text": "x", **fields}]]}


def _build_entity(**fields: Any) -> dict[str, Any]:
    return {"text": "a🏟", "entities": [BOLD | fields]}


SEND_CASES: tuple[tuple[dict[str, Any], str], ...] = (
    ({"text": ""}, "message text is empty"),
    ({}, "message text is empty"),
    ({"text": " \n "}, "text must be non-empty"),
    ({"text": "я" * 4097}, "message is too long"),
    ({"text": "🏟" * 2049}, "message is too long"),
    ({"text": "я" * 16_385}, "text is too long"),
    ({"text": "x", "parse_mode": "BBCode"}, "unsupported parse_mode"),
    (
        {"text": "<b>x", "parse_mode": "HTML"},
        "can't parse entities: Can't find end tag corresponding to start tag \"b\"",
    ),
    (
        {"text": "<u>a</b>", "parse_mode": "HTML"},
        'can\'t parse entities: Unmatched end tag at byte offset 4, expected "</u>", found "</b>"',
    ),
    (
        {"text": "a *b", "parse_mode": "MarkdownV2"},
        "can't parse entities: Can't find end of Bold entity at byte offset 2",
    ),
    (
        {"text": "1.", "parse_mode": "MarkdownV2"},
        (
            "can't parse entities: Character '.' is reserved and must be escaped "
            "with the preceding '\\'"
        ),
    ),
    (_build_entity(offset=3), "entity begins after the end of the text at UTF-16 offset 3"),
    (_build_entity(offset=2), "entity begins in a middle of a UTF-16 symbol at UTF-16 offset 2"),
    (
        _build_entity(length=9),
        f"{BEGINNING} after the end of the text at UTF-16 offset 9",
    ),
    (
        _build_entity(length=2),
        f"{BEGINNING} in a middle of a UTF-16 symbol at UTF-16 offset 2",
    ),
    (_build_entity(type="red"), "can't parse MessageEntity: Unsupported type specified"),
    ({"text": "x", "reply_markup": _build_button(callback_data="я" * 33)}, "BUTTON_DATA_INVALID"),
    (
        {"text": "x", "reply_markup": _build_button(callback_data="a", pay=True)},
        (
            "can't parse inline keyboard button: exactly one optional field must be used, "
            "not ['callback_data', 'pay']"
        ),
    ),
    (
        {"text": "x", "reply_markup": _build_button()},
        "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
    ),
    (
        {"text": "x", "reply_markup": _build_button(copy_text={"text": "x" * 257})},
        "BUTTON_COPY_TEXT_INVALID",
    ),
    ({"text": "x", "reply_parameters": {"message_id": 9}}, "message to be replied not found"),
    ({"text": "x", "message_thread_id": 1}, "message thread not found"),
)
OTHER_METHOD_CASES: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("editMessageText", {"message_id": 99, "text": "x"}, "message to edit not found"),
    ("editMessageText", {"message_id": 0, "text": "x"}, "message identifier is not specified"),
    ("editMessageText", {"message_id": 1, "text": "sent"}, NOT_MODIFIED),
    ("editMessageText", {"message_id": 1}, "message text is empty"),
    ("editMessageText", {"message_id": 1, "text": "x" * 4097}, "message is too long"),
    ("editMessageReplyMarkup", {"message_id": 1}, NOT_MODIFIED),
    ("deleteMessage", {"message_id": 99}, "message to delete not found"),
    ("sendChatAction", {"action": "dance"}, "wrong parameter action in request"),
    ("answerCallbackQuery", {"callback_query_id": "1"}, TOO_OLD),
    ("sendRichMessage", {}, "rich message must be non-empty"),
    ("sendRichMessage", {"rich_message": {"html": "<b>"}}, "RICH_MESSAGE_HTML_INVALID"),
    ("sendMessageDraft", {"draft_id": 0, "text": "x"}, "RANDOM_ID_INVALID"),
    ("sendMessageDraft", {"draft_id": 1, "text": "x" * 4097}, "message is too long"),
)


async def _get_error(
    sandbox: SandboxHarness, method: str, parameters: dict[str, Any]
) -> tuple[int, str]:
    with pytest.raises(BotApiRefused) as refused:
        await sandbox.call_bot_api(method, chat_id=ALICE, **parameters)
    return refused.value.status, refused.value.description


@pytest.mark.parametrize(("parameters", "description"), SEND_CASES)
async def test_send_message_refuses_invalid_parameters(
    sandbox: SandboxHarness, parameters: dict[str, Any], description: str
) -> None:
    refusal = await _get_error(sandbox, "sendMessage", parameters)
    assert refusal == (400, f"Bad Request: {description}")


@pytest.mark.parametrize(("method", "parameters", "description"), OTHER_METHOD_CASES)
async def test_other_methods_refuse_invalid_parameters(
    sandbox: SandboxHarness, method: str, parameters: dict[str, Any], description: str
) -> None:
    await sandbox.call_bot_api("sendMessage", chat_id=ALICE, text="sent")
    refusal = await _get_error(sandbox, method, parameters)
    assert refusal == (400, f"Bad Request: {description}")


async def test_texts_of_maximal_length_are_accepted(sandbox: SandboxHarness) -> None:
    for text in ("я" * 4096, "🏟" * 2048, f"  {'x' * 4096}\n"):
        sent = await sandbox.call_bot_api("sendMessage", chat_id=ALICE, text=text)
        assert sent["text"] == text.strip()
