"""Builds updates as Telegram sends them."""

from itertools import count
from typing import Any

from smart_kit.testing.fake_telegram import FakeTelegram

_ids = count(1000)


def user(telegram_id: int = 7, **facts: Any) -> dict[str, Any]:
    return {
        "id": telegram_id,
        "is_bot": False,
        "first_name": "Anna",
        "language_code": "en",
    } | facts


def update(kind: str, body: Any) -> dict[str, Any]:
    return {"update_id": next(_ids), kind: body}


def message(text: str | None = "hello", /, telegram_id: int = 7, **fields: Any) -> dict[str, Any]:
    """Return a private message; `fields` replace or add fields."""
    body: dict[str, Any] = {
        "message_id": 1,
        "date": 1_790_000_000,
        "from": user(telegram_id),
        "chat": {"id": telegram_id, "type": "private", "first_name": "Anna"},
    }
    return update("message", body | ({"text": text} if text is not None else {}) | fields)


def group_message(text: str, chat_id: int = -100500, **fields: Any) -> dict[str, Any]:
    return message(text, chat={"id": chat_id, "type": "supergroup", "title": "Us"}, **fields)


def callback_query(data: Any, telegram_id: int = 7, **fields: Any) -> dict[str, Any]:
    """Return a button press in a private chat; `fields` replace or add fields."""
    chat = {"id": telegram_id, "type": "private", "first_name": "Anna"}
    body: dict[str, Any] = {
        "id": f"query {next(_ids)}",
        "from": user(telegram_id),
        "message": {"message_id": 5, "date": 1_790_000_000, "chat": chat, "text": "Which?"},
        "chat_instance": "1",
        "data": data,
    }
    return update("callback_query", body | fields)


def press_button(telegram: FakeTelegram, label: str) -> dict[str, Any]:
    """Return the press of a button under the newest message."""
    sent = telegram.sent[-1]
    markup = sent.parameters["reply_markup"]
    rows = markup["inline_keyboard"]
    (data,) = (button["callback_data"] for row in rows for button in row if button["text"] == label)
    message = {
        "message_id": len(telegram.sent),
        "date": 1_790_000_000,
        "chat": {"id": sent.chat_id, "type": "private"},
        "text": sent.text,
        "reply_markup": markup,
    }
    return callback_query(data, message=message)
