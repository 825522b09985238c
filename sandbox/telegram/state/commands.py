"""The bot's command lists, one for each scope and language."""

import json
import sqlite3
from typing import Any

BotCommand = dict[str, str]


class CommandStore:
    """Command lists in the database."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def set(self, scope: str, language_code: str, commands: list[BotCommand]) -> None:
        """Replace a list; an empty one deletes it."""
        self.delete(scope, language_code)
        if commands:
            self._database.execute(
                "INSERT INTO command_list VALUES (?, ?, ?)",
                (scope, language_code, json.dumps(commands, ensure_ascii=False)),
            )

    def get(self, scope: str, language_code: str) -> list[BotCommand]:
        """Return the list of exactly this scope and language."""
        row = self._database.execute(
            "SELECT commands FROM command_list WHERE scope = ? AND language_code = ?",
            (scope, language_code),
        ).fetchone()
        commands: list[BotCommand] = json.loads(row["commands"]) if row else []
        return commands

    def delete(self, scope: str, language_code: str) -> None:
        """Delete a list."""
        self._database.execute(
            "DELETE FROM command_list WHERE scope = ? AND language_code = ?", (scope, language_code)
        )

    def get_visible(self, person_id: int, language_code: str) -> list[BotCommand]:
        """Return the list for a private chat: the narrowest scope, then the person's language."""
        for scope in (chat_scope_key(person_id), "all_private_chats", "default"):
            for language in (language_code, ""):
                commands = self.get(scope, language)
                if commands:
                    return commands
        return []


def chat_scope_key(chat_id: Any) -> str:
    """Return the storage key of a scope for one chat."""
    return f"chat:{chat_id}"
