"""The people of the chat page; each has one private chat with the bot."""

import re
import sqlite3
from dataclasses import asdict, dataclass
from typing import Any

FIRST_PERSON_ID = 1001
_DEFAULT_PEOPLE = (
    ("Alice", "", "alice", "en"),
    ("Боб", "", "bob", "ru"),
    ("Carol", "Winter", "carol", "en"),
    ("Дарья", "Светлова", "darya", "ru"),
)


@dataclass(frozen=True)
class Person:
    """A Telegram user; the id is also the id of the private chat."""

    id: int
    first_name: str
    last_name: str
    username: str
    language_code: str

    def to_json(self) -> dict[str, Any]:
        """Return the person for the chat page and `./manage.py chat`."""
        return asdict(self)

    def to_user(self) -> dict[str, Any]:
        """Return a `User` of the Bot API."""
        user = {"id": self.id, "is_bot": False, **self._get_names()}
        return user | {"language_code": self.language_code}

    def to_chat(self) -> dict[str, Any]:
        """Return a private `Chat` of the Bot API."""
        return {"id": self.id, **self._get_names(), "type": "private"}

    def _get_names(self) -> dict[str, str]:
        names = {name: getattr(self, name) for name in ("first_name", "last_name", "username")}
        return {name: value for name, value in names.items() if value}


class PersonStore:
    """People in the database; a new database gets four of them."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        if not self.list_all():
            for starter in _DEFAULT_PEOPLE:
                self._insert(*starter)
            database.commit()

    def list_all(self) -> list[Person]:
        """Return all people, the oldest first."""
        return [Person(**row) for row in self._database.execute("SELECT * FROM person ORDER BY id")]

    def get(self, person_id: int) -> Person | None:
        """Return a person, or None."""
        row = self._database.execute("SELECT * FROM person WHERE id = ?", (person_id,)).fetchone()
        return Person(**row) if row else None

    def add(self, first_name: str, language_code: str) -> Person:
        """Create a person with a unique username."""
        base = re.sub(r"[^a-z0-9_]", "", first_name.lower()) or "guest"
        taken = {person.username for person in self.list_all()}
        names = (f"{base}{number or ''}" for number in (0, *range(2, len(taken) + 3)))
        username = next(name for name in names if name not in taken)
        return self._insert(first_name, "", username, language_code)

    def _insert(self, *values: str) -> Person:
        row = self._database.execute("SELECT max(id) FROM person").fetchone()
        person = Person((row[0] or FIRST_PERSON_ID - 1) + 1, *values)
        self._database.execute(
            "INSERT INTO person VALUES (:id, :first_name, :last_name, :username, :language_code)",
            asdict(person),
        )
        return person
