"""The state of the sandbox's Telegram: stores, queues and the event bus."""

from datetime import timedelta
from pathlib import Path

from sandbox.telegram.bot import BotAccount, is_valid_token
from sandbox.telegram.faults import FaultQueue
from sandbox.telegram.rate_limiter import RateLimiter
from sandbox.telegram.state.activity import ChatActivity
from sandbox.telegram.state.callback_queries import CallbackQueryStore
from sandbox.telegram.state.commands import CommandStore
from sandbox.telegram.state.database import SettingStore, open_database
from sandbox.telegram.state.event_bus import EventBus
from sandbox.telegram.state.messages import Message, MessageStore
from sandbox.telegram.state.people import PersonStore
from sandbox.telegram.state.updates import UpdateQueue
from sandbox.telegram.state.webhook import Webhook
from sandbox.telegram.violations import ViolationLog
from smart_kit.clock import Clock
from smart_kit.errors import ConfigurationError

_CLOCK_SETTING = "clock_offset_seconds"


class TelegramState:
    """One bot, its people and their messages. Changes are lost without `commit`."""

    def __init__(self, directory: Path, token: str) -> None:
        """Open the state in a folder. Raises ConfigurationError for a malformed token."""
        if not is_valid_token(token):
            raise ConfigurationError(
                "TELEGRAM_TOKEN: a token looks like 123456:ABC-DEF (digits, colon, letters)"
            )
        self._database = database = open_database(directory)
        self._settings = settings = SettingStore(database)
        self.clock = Clock(timedelta(seconds=int(settings.get(_CLOCK_SETTING, "0"))))
        self.bot = BotAccount(token)
        self.people = PersonStore(database)
        self.messages = MessageStore(database, self.clock)
        self.updates = UpdateQueue(database, settings)
        self.webhook = Webhook(settings)
        self.commands = CommandStore(database)
        self.callback_queries = CallbackQueryStore(database)
        self.event_bus = EventBus()
        self.violations = ViolationLog(self.event_bus)
        self.activity = ChatActivity(self.event_bus)
        self.faults = FaultQueue()
        self.rate_limiter = RateLimiter()

    def commit(self) -> None:
        """Commit the changes of this request."""
        self._database.commit()

    def rollback(self) -> None:
        """Discard the changes of this request."""
        self._database.rollback()

    def publish_message(self, kind: str, message: Message) -> None:
        """Publish a new message (`message`) or an edited one (`edit`)."""
        self.event_bus.publish(kind, message.person_id, message.to_json())

    def set_clock_offset(self, seconds: int) -> None:
        """Show times so far ahead of real time from now on."""
        if self.clock.offset == (offset := timedelta(seconds=seconds)):
            return
        self.clock.offset = offset
        self._settings.set(_CLOCK_SETTING, str(seconds))
        self.event_bus.publish("clock", None, {})

    def confirm_updates(self, offset: int) -> None:
        """Confirm the updates below `offset` and mark their messages as read."""
        for message in self.messages.mark_read(self.updates.confirm(offset)):
            self.publish_message("edit", message)

    def drop_updates(self) -> None:
        """Drop all pending updates."""
        self.confirm_updates(self.updates.get_next_id())

    def stop(self) -> None:
        """End the pending long poll and the event streams."""
        self.updates.close()
        self.activity.close()
        self.event_bus.close()

    def close(self) -> None:
        """Close the database."""
        self._database.close()
