"""One call of a method: the world, the parameters, and how methods find what they name."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from sandbox.telegram.errors import bad_request
from sandbox.telegram.parameters import Parameters
from sandbox.telegram.rich.message import RichReader
from sandbox.telegram.state.messages import Message, RichMessage
from sandbox.telegram.state.people import Person
from sandbox.telegram.text.entities import FormattedText
from sandbox.telegram.text.formatting import format_text
from sandbox.telegram.world import World

_ID = re.compile(r"-?[0-9]{1,18}")
MAX_MESSAGE_ID = 2**31 - 1


@dataclass(frozen=True)
class Call:
    """What a method works with."""

    world: World
    method: str
    parameters: Parameters

    def person(self) -> Person:
        """Whose private chat `chat_id` is."""
        chat_id = self.parameters.text("chat_id")
        if not chat_id:
            raise bad_request("chat_id is empty")
        if not _ID.fullmatch(chat_id):
            raise bad_request("chat not found")
        person = self.world.people.get(int(chat_id))
        if person is None:
            raise bad_request("chat not found")
        return person

    def message(self, person: Person, missing: str) -> Message:
        """The message that `message_id` names; `missing` is what to say when there is none."""
        message_id = self.parameters.integer("message_id", low=0, high=MAX_MESSAGE_ID)
        if message_id == 0:
            raise bad_request("message identifier is not specified")
        message = self.world.messages.get(person.id, message_id)
        if message is None:
            raise bad_request(missing)
        return message

    def formatted(self, *, may_be_empty: bool = False) -> FormattedText:
        """`text` with `parse_mode` or `entities`."""
        return format_text(
            self.parameters.text("text"),
            parse_mode=self.parameters.text("parse_mode"),
            entities=self.parameters.json("entities", "entities JSON object"),
            may_be_empty=may_be_empty,
        )

    def rich(self, *, is_draft: bool = False) -> RichMessage:
        """`rich_message`, checked."""
        violations, method = self.world.violations, self.method
        reader = RichReader(
            lambda detail: violations.note(method, "unknown_parameter", detail),
            lambda detail: violations.warn(method, detail),
            lambda address: violations.note(method, "loads_address", address),
            is_draft=is_draft,
        )
        return reader.read(self.parameters.json("rich_message", "rich message JSON object"))

    def refuse_thread(self) -> None:
        """Private chats here have no topics."""
        if self.parameters.integer("message_thread_id", low=0, high=MAX_MESSAGE_ID):
            raise bad_request("message thread not found")


@dataclass(frozen=True)
class Answer:
    """A result with a word about it."""

    result: Any
    description: str


Handler = Callable[[Call], Awaitable[Any]]


@dataclass(frozen=True)
class Method:
    """A method, its documented parameters, what it does and which bucket it empties."""

    name: str
    parameters: tuple[str, ...]
    handle: Handler
    metered: str | None = None
