"""Messages of all chats."""

import json
import sqlite3
import time
from dataclasses import dataclass, field
from typing import Any

from sandbox.telegram.rich.plain_text import render_plain_text
from sandbox.telegram.text.entities import FormattedText

RichMessage = dict[str, Any]

PAGE_SIZE = 500
"""Number of messages that a chat page loads."""


@dataclass(frozen=True)
class MessageContent:
    """The content of a message: text with entities, or a rich message with its plain text."""

    text: str
    entities: list[dict[str, Any]] = field(default_factory=list)
    rich_message: RichMessage | None = None

    @classmethod
    def from_text(cls, formatted: FormattedText) -> "MessageContent":
        """Build the content of a text message."""
        return cls(formatted.text, formatted.entities_to_json())

    @classmethod
    def from_rich(cls, rich_message: RichMessage) -> "MessageContent":
        """Build the content of a rich message."""
        return cls(render_plain_text(rich_message["blocks"]), [], rich_message)


@dataclass(frozen=True)
class Message:
    """A message of a private chat; times are Unix seconds.

    `text` of a rich message is its plain text, which previews and the terminal chat show.
    """

    message_id: int
    person_id: int
    is_from_bot: bool
    date: int
    edit_date: int | None
    text: str
    entities: list[dict[str, Any]]
    rich_message: RichMessage | None
    reply_markup: dict[str, Any] | None
    reply_to: int | None
    is_read: bool

    @property
    def content(self) -> MessageContent:
        """The content without ids and dates."""
        return MessageContent(self.text, self.entities, self.rich_message)

    @property
    def inline_keyboard(self) -> list[list[dict[str, Any]]] | None:
        """Rows of inline buttons, if any."""
        return (self.reply_markup or {}).get("inline_keyboard")

    def to_json(self) -> dict[str, Any]:
        """Return the message for the chat page and `./manage.py chat`."""
        return {
            "message_id": self.message_id,
            "person_id": self.person_id,
            "from": "bot" if self.is_from_bot else "person",
            "date": self.date,
            "text": self.text,
            "entities": self.entities,
            "rich_message": self.rich_message,
            "reply_markup": self.reply_markup,
            "reply_to": self.reply_to,
            "edited": self.edit_date is not None,
            "read": self.is_read,
        }


class MessageStore:
    """Messages in the database."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

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
        cursor = self._database.execute(
            "INSERT INTO message (person_id, is_from_bot, date, text, entities, rich_message,"
            " reply_markup, reply_to) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                person_id,
                is_from_bot,
                int(time.time()),
                content.text,
                _to_json(content.entities),
                _to_json(content.rich_message),
                _to_json(reply_markup),
                reply_to,
            ),
        )
        return self._get_required(cursor.lastrowid)

    def get(self, person_id: int, message_id: int) -> Message | None:
        """Return a message of a chat, or None."""
        row = self._database.execute(
            "SELECT * FROM message WHERE message_id = ? AND person_id = ?",
            (message_id, person_id),
        ).fetchone()
        return _to_message(row) if row else None

    def list_after(self, person_id: int, message_id: int) -> list[Message]:
        """Return the newest messages with a greater id, the oldest first."""
        rows = self._database.execute(
            "SELECT * FROM message WHERE person_id = ? AND message_id > ?"
            " ORDER BY message_id DESC LIMIT ?",
            (person_id, message_id, PAGE_SIZE),
        )
        return [_to_message(row) for row in rows][::-1]

    def get_last(self, person_id: int) -> Message | None:
        """Return the newest message of a chat, or None."""
        row = self._database.execute(
            "SELECT * FROM message WHERE person_id = ? ORDER BY message_id DESC LIMIT 1",
            (person_id,),
        ).fetchone()
        return _to_message(row) if row else None

    def edit(
        self, message: Message, content: MessageContent, reply_markup: dict[str, Any] | None
    ) -> Message:
        """Replace the content and the buttons."""
        return self._update_columns(
            message,
            text=content.text,
            entities=_to_json(content.entities),
            rich_message=_to_json(content.rich_message),
            reply_markup=_to_json(reply_markup),
            edit_date=int(time.time()),
        )

    def edit_markup(self, message: Message, reply_markup: dict[str, Any] | None) -> Message:
        """Replace the buttons; clients do not show such a message as edited."""
        return self._update_columns(message, reply_markup=_to_json(reply_markup))

    def delete(self, message: Message) -> None:
        """Delete a message."""
        self._database.execute("DELETE FROM message WHERE message_id = ?", (message.message_id,))

    def link_update(self, message: Message, update_id: int) -> None:
        """Store which update delivers this message to the bot."""
        self._database.execute(
            "UPDATE message SET update_id = ? WHERE message_id = ?", (update_id, message.message_id)
        )

    def mark_read(self, below_update_id: int) -> list[Message]:
        """Mark messages as read whose updates are below this id, and return them."""
        rows = self._database.execute(
            "SELECT * FROM message WHERE update_id < ? AND NOT is_read", (below_update_id,)
        ).fetchall()
        return [self._update_columns(_to_message(row), is_read=1) for row in rows]

    def _update_columns(self, message: Message, **columns: Any) -> Message:
        names = ", ".join(f"{name} = ?" for name in columns)
        self._database.execute(
            f"UPDATE message SET {names} WHERE message_id = ?",  # noqa: S608 # the names are constants of this class
            (*columns.values(), message.message_id),
        )
        return self._get_required(message.message_id)

    def _get_required(self, message_id: int | None) -> Message:
        row = self._database.execute("SELECT * FROM message WHERE message_id = ?", (message_id,))
        return _to_message(row.fetchone())


def _to_json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)


def _to_message(row: sqlite3.Row) -> Message:
    return Message(
        message_id=row["message_id"],
        person_id=row["person_id"],
        is_from_bot=bool(row["is_from_bot"]),
        date=row["date"],
        edit_date=row["edit_date"],
        text=row["text"],
        entities=json.loads(row["entities"]),
        rich_message=json.loads(row["rich_message"]) if row["rich_message"] else None,
        reply_markup=json.loads(row["reply_markup"]) if row["reply_markup"] else None,
        reply_to=row["reply_to"],
        is_read=bool(row["is_read"]),
    )
