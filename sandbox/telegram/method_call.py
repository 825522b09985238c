"""A method call: its parameters and helpers that look up people and messages."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from sandbox.telegram.errors import bad_request
from sandbox.telegram.parameters import CallParameters
from sandbox.telegram.rich.message_parser import parse_rich_message
from sandbox.telegram.state.messages import Message, MessageContent
from sandbox.telegram.state.people import Person
from sandbox.telegram.telegram_state import TelegramState
from sandbox.telegram.text.formatted_text_parser import parse_formatted_text

_ID = re.compile(r"-?[0-9]{1,18}")
MAX_MESSAGE_ID = 2**31 - 1


@dataclass(frozen=True)
class MethodCall:
    """The arguments of a method handler."""

    state: TelegramState
    method: str
    parameters: CallParameters

    def get_person(self) -> Person:
        """Return the person of the private chat `chat_id`. Raises BotApiError."""
        chat_id = self.parameters.get_text("chat_id")
        if not chat_id:
            raise bad_request("chat_id is empty")
        person = self.state.people.get(int(chat_id)) if _ID.fullmatch(chat_id) else None
        if person is None:
            raise bad_request("chat not found")
        return person

    def get_message(self, person: Person, not_found_text: str) -> Message:
        """Return the message `message_id`. Raises BotApiError with `not_found_text`."""
        message_id = self.parameters.get_int("message_id", low=0, high=MAX_MESSAGE_ID)
        if message_id == 0:
            raise bad_request("message identifier is not specified")
        message = self.state.messages.get(person.id, message_id)
        if message is None:
            raise bad_request(not_found_text)
        return message

    def parse_text(self, *, may_be_empty: bool = False) -> MessageContent:
        """Parse `text` with its `parse_mode` or `entities`."""
        formatted = parse_formatted_text(
            self.parameters.get_text("text"),
            parse_mode=self.parameters.get_text("parse_mode"),
            entities=self.parameters.get_json("entities", "entities JSON object"),
            may_be_empty=may_be_empty,
        )
        return MessageContent.from_text(formatted)

    def parse_rich_message(self, *, is_draft: bool = False) -> MessageContent:
        """Validate `rich_message` and return it as Telegram stores it."""
        rich_message = parse_rich_message(
            self.parameters.get_json("rich_message", "rich message JSON object"),
            lambda kind, detail: self.state.violations.record(self.method, kind, detail),
            is_draft=is_draft,
        )
        return MessageContent.from_rich(rich_message)

    def reject_thread(self) -> None:
        """Raise BotApiError for a thread id: private chats have no topics here."""
        if self.parameters.get_int("message_thread_id", low=0, high=MAX_MESSAGE_ID):
            raise bad_request("message thread not found")


@dataclass(frozen=True)
class DescribedResult:
    """The result True with a `description` in the envelope."""

    description: str


@dataclass(frozen=True)
class ApiMethod:
    """A Bot API method: its documented parameters, its handler and its rate limit."""

    name: str
    parameters: str
    """Names, separated by spaces."""
    handle: Callable[[MethodCall], Awaitable[Any]]
    rate_limit_kind: str | None = None
