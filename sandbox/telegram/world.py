"""The sandbox's Telegram in one object: what it remembers, and how it tells of changes."""

import sqlite3
from pathlib import Path

from sandbox.telegram.bot import Bot, is_token
from sandbox.telegram.faults import Faults
from sandbox.telegram.meter import Meter
from sandbox.telegram.state.activity import Activity
from sandbox.telegram.state.commands import Commands
from sandbox.telegram.state.database import open_database
from sandbox.telegram.state.feed import Event, Feed
from sandbox.telegram.state.messages import Message, Messages
from sandbox.telegram.state.people import People
from sandbox.telegram.state.presses import Presses
from sandbox.telegram.state.settings import Settings
from sandbox.telegram.state.updates import Updates
from sandbox.telegram.state.webhook import Webhook
from sandbox.telegram.violations import Violations
from smart_kit.errors import ConfigurationError


class World:
    """One bot, its people and what they said. Changes are lost without `commit`."""

    def __init__(self, database: sqlite3.Connection, token: str) -> None:
        self._database = database
        self.settings = Settings(database)
        self.bot = Bot(token, self.settings)
        self.people = People(database)
        self.messages = Messages(database)
        self.updates = Updates(database, self.settings)
        self.webhook = Webhook(self.settings)
        self.commands = Commands(database)
        self.presses = Presses(database)
        self.feed = Feed()
        self.violations = Violations(self.feed)
        self.activity = Activity(self.feed)
        self.faults = Faults()
        self.meter = Meter()

    @classmethod
    def open(cls, directory: Path, token: str) -> "World":
        """The world kept in this folder. Raises ConfigurationError for a token that is none."""
        if not is_token(token):
            raise ConfigurationError(
                "TELEGRAM_TOKEN: a token looks like 123456:ABC-DEF (digits, colon, letters)"
            )
        return cls(open_database(directory), token)

    def commit(self) -> None:
        """Keep what this request has done."""
        self._database.commit()

    def rollback(self) -> None:
        """Forget it."""
        self._database.rollback()

    def tell(self, kind: str, message: Message) -> None:
        """A `message` that is new, or an `edit` of one."""
        self.feed.publish(Event(kind, message.person_id, message.to_json()))

    def tell_of_bot(self) -> None:
        """Its name, description or commands changed."""
        self.feed.publish(Event("bot", None, {}))

    def confirm(self, offset: int) -> None:
        """The bot has what is below: mark those messages as read."""
        first = self.updates.confirm(offset)
        for message in self.messages.mark_read(first):
            self.tell("edit", message)

    def drop_updates(self) -> None:
        """The bot wants none of what waits."""
        self.confirm(self.updates.next_id())

    def stop(self) -> None:
        """End what waits: the long poll and the pages' event streams."""
        self.updates.close()
        self.activity.close()
        self.feed.close()

    def close(self) -> None:
        """Close the file."""
        self._database.close()
