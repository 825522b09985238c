"""The SQLite database. Each request commits once, in the HTTP layer."""

import secrets
import sqlite3
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS person (
    id INTEGER PRIMARY KEY,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL DEFAULT '',
    username TEXT NOT NULL UNIQUE,
    language_code TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS message (
    message_id INTEGER PRIMARY KEY AUTOINCREMENT,
    person_id INTEGER NOT NULL REFERENCES person (id),
    is_from_bot INTEGER NOT NULL,
    date INTEGER NOT NULL,
    edit_date INTEGER,
    text TEXT NOT NULL,
    entities TEXT NOT NULL,
    rich_message TEXT,
    reply_markup TEXT,
    reply_to INTEGER,
    update_id INTEGER,
    is_read INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS message_by_person ON message (person_id, message_id);
CREATE INDEX IF NOT EXISTS message_by_update ON message (update_id);
CREATE TABLE IF NOT EXISTS waiting_update (
    update_id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    expires_at INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS callback_query (
    id TEXT PRIMARY KEY,
    person_id INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    pressed_at INTEGER NOT NULL,
    is_answered INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS command_list (
    scope TEXT NOT NULL,
    language_code TEXT NOT NULL,
    commands TEXT NOT NULL,
    PRIMARY KEY (scope, language_code)
);
CREATE TABLE IF NOT EXISTS setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
"""
_ADDED_COLUMNS = {"location": "TEXT", "clock_offset": "INTEGER NOT NULL DEFAULT 0"}
"""Columns of messages that earlier versions did not have."""


def open_database(directory: Path) -> sqlite3.Connection:
    """Open `telegram.sqlite3` in a folder; both are created when missing."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = sqlite3.connect(directory / "telegram.sqlite3")
    database.row_factory = sqlite3.Row
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=NORMAL")
    database.execute("PRAGMA foreign_keys=ON")
    database.executescript(_SCHEMA)
    _add_missing_columns(database)
    _seed_update_ids(database)
    return database


class SettingStore:
    """Key-value pairs in the database."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def get(self, name: str, default: str) -> str:
        """Return a value, or the default if it was never set."""
        row = self._database.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
        return str(row["value"]) if row else default

    def set(self, name: str, value: str) -> None:
        """Store a value."""
        self._database.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, value))


def _add_missing_columns(database: sqlite3.Connection) -> None:
    known = {row["name"] for row in database.execute("PRAGMA table_info(message)")}
    for name, definition in _ADDED_COLUMNS.items():
        if name not in known:
            database.execute(f"ALTER TABLE message ADD COLUMN {name} {definition}")


def _seed_update_ids(database: sqlite3.Connection) -> None:
    """Start update ids at a random number, as Telegram does.

    A bot that stores the last id must not take a fresh sandbox's updates for duplicates.
    """
    known = database.execute("SELECT 1 FROM sqlite_sequence WHERE name = 'waiting_update'")
    if known.fetchone() is None:
        first = 100_000_000 + secrets.randbelow(800_000_000)
        database.execute("INSERT INTO sqlite_sequence VALUES ('waiting_update', ?)", (first,))
        database.commit()
