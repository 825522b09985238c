"""Single values that survive a restart."""

import sqlite3
from collections.abc import Iterator, MutableMapping


class SettingStore(MutableMapping[str, str]):
    """A mapping in the database."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def __getitem__(self, name: str) -> str:
        row = self._database.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise KeyError(name)
        value: str = row["value"]
        return value

    def __setitem__(self, name: str, value: str) -> None:
        self._database.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, value))

    def __delitem__(self, name: str) -> None:
        self._database.execute("DELETE FROM setting WHERE name = ?", (name,))

    def __iter__(self) -> Iterator[str]:
        return iter([row["name"] for row in self._database.execute("SELECT name FROM setting")])

    def __len__(self) -> int:
        return len(list(iter(self)))
