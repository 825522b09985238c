"""Single text values that survive a restart."""

import sqlite3


class SettingStore:
    """Key-value pairs in the database."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def get(self, name: str, default: str) -> str:
        """Return a value, or the default where it was never set."""
        row = self._database.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
        return str(row["value"]) if row else default

    def set(self, name: str, value: str) -> None:
        """Store a value."""
        self._database.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, value))
