"""Callback queries: pressed buttons that wait for the bot's answer."""

import secrets
import sqlite3
import time
from dataclasses import dataclass

ANSWER_TIMEOUT_SECONDS = 150


@dataclass(frozen=True)
class CallbackQuery:
    """A pressed button."""

    id: str
    person_id: int
    message_id: int


class CallbackQueryStore:
    """Callback queries in the database."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def add(self, person_id: int, message_id: int) -> CallbackQuery:
        """Create a callback query for a button under this message."""
        now = int(time.time())
        self._database.execute(
            "DELETE FROM callback_query WHERE pressed_at <= ?", (now - ANSWER_TIMEOUT_SECONDS,)
        )
        query = CallbackQuery(str(10**17 + secrets.randbelow(9 * 10**17)), person_id, message_id)
        self._database.execute(
            "INSERT INTO callback_query (id, person_id, message_id, pressed_at)"
            " VALUES (?, ?, ?, ?)",
            (query.id, person_id, message_id, now),
        )
        return query

    def mark_answered(self, callback_query_id: str) -> CallbackQuery | None:
        """Mark a query as answered and return it; None if it is unknown, expired or answered."""
        row = self._database.execute(
            "UPDATE callback_query SET is_answered = 1 WHERE id = ? AND NOT is_answered"
            " AND pressed_at > ? RETURNING id, person_id, message_id",
            (callback_query_id, int(time.time()) - ANSWER_TIMEOUT_SECONDS),
        ).fetchone()
        return CallbackQuery(**row) if row else None
