"""Messages of all chats."""

import json
import sqlite3
import time
from dataclasses import dataclass
from typing import Any

from sandbox.telegram.rich.plain_text import render_plain_text
from sandbox.telegram.text.entities import FormattedText
from smart_kit.clock import Clock

PAGE_SIZE = 500
"""Number of messages that a chat page loads."""
_JSON_COLUMNS = ("entities", "rich_message", "location", "reply_markup")


@dataclass(frozen=True)
class MessageContent:
    """The content of a message: text with entities, a rich message with its plain text, or a
    location without a text."""

    text: str
    entities: list[dict[str, Any]]
    rich_message: dict[str, Any] | None
    location: dict[str, float] | None

    @classmethod
    def from_text(cls, formatted: FormattedText) -> "MessageContent":
        """Build the content of a text message."""
        return cls(formatted.text, formatted.entities_to_json(), None, None)

    @classmethod
    def from_rich(cls, rich_message: dict[str, Any]) -> "MessageContent":
        """Build the content of a rich message."""
        return cls(render_plain_text(rich_message["blocks"]), [], rich_message, None)

    @classmethod
    def from_location(cls, latitude: float, longitude: float) -> "MessageContent":
        """Build the content of a location, in degrees."""
        return cls("", [], None, {"latitude": latitude, "longitude": longitude})


@dataclass(frozen=True)
class Message(MessageContent):
    """A message of a private chat; times are Unix seconds of real time.

    `text` of a rich message is its plain text, which previews and the terminal chat show.
    """

    message_id: int
    person_id: int
    is_from_bot: bool
    date: int
    edit_date: int | None
    reply_markup: dict[str, Any] | None
    reply_to: int | None
    update_id: int | None
    is_read: bool
    clock_offset: int
    """Seconds that the sandbox's clock was ahead when the message was sent."""

    @property
    def content(self) -> MessageContent:
        """The content without ids and dates."""
        return MessageContent(self.text, self.entities, self.rich_message, self.location)

    @property
    def inline_keyboard(self) -> list[list[dict[str, Any]]] | None:
        """Rows of inline buttons, if any."""
        return (self.reply_markup or {}).get("inline_keyboard")

    def to_json(self) -> dict[str, Any]:
        """Return the message for the chat page and `./manage.py chat`.

        `date` is the time that the sandbox's clock showed, so that a reminder for tomorrow comes
        tomorrow. The bot gets the real time, as from Telegram.
        """
        return {
            "message_id": self.message_id,
            "person_id": self.person_id,
            "from": "bot" if self.is_from_bot else "person",
            "date": self.date + self.clock_offset,
            "text": self.text,
            "entities": self.entities,
            "rich_message": self.rich_message,
            "location": self.location,
            "reply_markup": self.reply_markup,
            "reply_to": self.reply_to,
            "edited": self.edit_date is not None,
            "read": self.is_read,
        }


class MessageStore:
    """Messages in the database."""

    def __init__(self, database: sqlite3.Connection, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def add(
        self,
        person_id: int,
        content: MessageContent,
        *,
        is_from_bot: bool,
        reply_markup: dict[str, Any] | None = None,
        reply_to: int | None = None,
    ) -> Message:
        """Add a message to the end of a chat."""
        offset = int(self._clock.offset.total_seconds())
        values = (person_id, is_from_bot, int(time.time()), offset, content.text, reply_to)
        objects = (content.entities, content.rich_message, content.location, reply_markup)
        cursor = self._database.execute(
            "INSERT INTO message (person_id, is_from_bot, date, clock_offset, text, reply_to,"
            " entities, rich_message, location, reply_markup)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*values, *map(_to_json, objects)),
        )
        return self._select("message_id = ?", cursor.lastrowid)[0]

    def get(self, person_id: int, message_id: int) -> Message | None:
        """Return a message of a chat, or None."""
        found = self._select("message_id = ? AND person_id = ?", message_id, person_id)
        return found[0] if found else None

    def list_after(
        self, person_id: int, message_id: int = 0, limit: int = PAGE_SIZE
    ) -> list[Message]:
        """Return the newest messages of a chat with a greater id, the oldest first."""
        newest_first = "person_id = ? AND message_id > ? ORDER BY message_id DESC LIMIT ?"
        return self._select(newest_first, person_id, message_id, limit)[::-1]

    def edit(
        self,
        message: Message,
        reply_markup: dict[str, Any] | None,
        content: MessageContent | None = None,
    ) -> Message:
        """Replace the buttons and the content; new buttons alone are not shown as an edit."""
        columns: dict[str, Any] = {"reply_markup": _to_json(reply_markup)}
        if content:
            columns |= {"text": content.text, "entities": _to_json(content.entities)}
            columns["rich_message"] = _to_json(content.rich_message)
            columns["edit_date"] = int(time.time())
        return self._update(message, **columns)

    def delete(self, message: Message) -> None:
        """Delete a message."""
        self._database.execute("DELETE FROM message WHERE message_id = ?", (message.message_id,))

    def set_update_id(self, message: Message, update_id: int) -> None:
        """Store which update delivers this message to the bot."""
        self._update(message, update_id=update_id)

    def mark_read(self, below_update_id: int) -> list[Message]:
        """Mark messages as read whose updates are below this id, and return them."""
        unread = self._select("update_id < ? AND NOT is_read", below_update_id)
        return [self._update(message, is_read=1) for message in unread]

    def _select(self, condition: str, *values: int | None) -> list[Message]:
        rows = self._database.execute(f"SELECT * FROM message WHERE {condition}", values)  # noqa: S608 # the condition is a constant
        return [_to_message(row) for row in rows]

    def _update(self, message: Message, **columns: Any) -> Message:
        names = ", ".join(f"{name} = ?" for name in columns)
        self._database.execute(
            f"UPDATE message SET {names} WHERE message_id = ?",  # noqa: S608 # the names are constants of this class
            (*columns.values(), message.message_id),
        )
        return self._select("message_id = ?", message.message_id)[0]


def _to_json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)


def _to_message(row: sqlite3.Row) -> Message:
    decoded = {name: row[name] and json.loads(row[name]) for name in _JSON_COLUMNS}
    flags = {name: bool(row[name]) for name in ("is_from_bot", "is_read")}
    return Message(**{**row, **decoded, **flags})
