"""One call of a method: the world, the parameters, and how methods find what they name."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from sandbox.telegram.errors import bad_request
from sandbox.telegram.parameters import CallParameters
from sandbox.telegram.rich.message_parser import parse_rich_message
from sandbox.telegram.state.messages import Message, RichMessage
from sandbox.telegram.state.people import Person
from sandbox.telegram.telegram_state import TelegramState
from sandbox.telegram.text.entities import FormattedText
from sandbox.telegram.text.formatting import parse_formatted_text

_ID = re.compile(r"-?[0-9]{1,18}")
MAX_MESSAGE_ID = 2**31 - 1


@dataclass(frozen=True)
class MethodCall:
    """What a method works with."""

    state: TelegramState
    method: str
    parameters: CallParameters

    def get_person(self) -> Person:
        """Whose private chat `chat_id` is."""
        chat_id = self.parameters.get_text("chat_id")
        if not chat_id:
            raise bad_request("chat_id is empty")
        if not _ID.fullmatch(chat_id):
            raise bad_request("chat not found")
        person = self.state.people.get(int(chat_id))
        if person is None:
            raise bad_request("chat not found")
        return person

    def get_message(self, person: Person, not_found_text: str) -> Message:
        """The message that `message_id` names; `missing` is what to say when there is none."""
        message_id = self.parameters.get_int("message_id", low=0, high=MAX_MESSAGE_ID)
        if message_id == 0:
            raise bad_request("message identifier is not specified")
        message = self.state.messages.get(person.id, message_id)
        if message is None:
            raise bad_request(not_found_text)
        return message

    def parse_text(self, *, may_be_empty: bool = False) -> FormattedText:
        """`text` with `parse_mode` or `entities`."""
        return parse_formatted_text(
            self.parameters.get_text("text"),
            parse_mode=self.parameters.get_text("parse_mode"),
            entities=self.parameters.get_json("entities", "entities JSON object"),
            may_be_empty=may_be_empty,
        )

    def parse_rich_message(self, *, is_draft: bool = False) -> RichMessage:
        """Validate `rich_message` and return it as Telegram stores it."""
        return parse_rich_message(
            self.parameters.get_json("rich_message", "rich message JSON object"),
            lambda kind, detail: self.state.violations.record(self.method, kind, detail),
            is_draft=is_draft,
        )

    def reject_thread(self) -> None:
        """Private chats here have no topics."""
        if self.parameters.get_int("message_thread_id", low=0, high=MAX_MESSAGE_ID):
            raise bad_request("message thread not found")


@dataclass(frozen=True)
class DescribedResult:
    """A result with a word about it."""

    result: Any
    description: str


MethodHandler = Callable[[MethodCall], Awaitable[Any]]


@dataclass(frozen=True)
class ApiMethod:
    """A method, its documented parameters, what it does and which bucket it empties."""

    name: str
    parameters: tuple[str, ...]
    handle: MethodHandler
    rate_limit_kind: str | None = None
