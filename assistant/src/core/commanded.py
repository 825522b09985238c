"""A command or a press at work."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from smart_kit.contracts.base import utc_now
from smart_kit.contracts.configuration import AssistantSnapshot, ModelSnapshot
from smart_kit.contracts.queue import NoticeName, UserCommand, UserPress
from smart_kit.contracts.users import UserSnapshot
from smart_kit.errors import RetryMessage
from smart_kit.mailbox import Letter, Outcome

from ..messages import replies

NOT_SEEN_SECONDS = 1.0
SEEN_BY_SECONDS = 60.0
"""So old a command must be before it no longer waits for what it changed to be seen: another may
have followed it."""


@dataclass(frozen=True)
class Commanded:
    """It, with everything known of it."""

    message: UserCommand | UserPress
    user: UserSnapshot
    assistant_id: UUID
    """Who answers the person now."""
    thread_id: UUID
    """Of the person with that assistant."""
    configuration_version: int
    secretaries: Sequence[AssistantSnapshot]
    """Whom people may choose."""
    models: Sequence[ModelSnapshot]
    """Which of them they may."""

    @property
    def idempotency_key(self) -> str:
        """The same in every attempt."""
        return f"{self.message.id}/0"

    @property
    def age(self) -> float:
        """Seconds since it was put into the queue."""
        return (utc_now() - self.message.created_at).total_seconds()

    def wait_for(self, what: str, *, is_there: bool) -> None:
        """The next message has to find in Redis what this one changed: raises RetryMessage until
        it is there."""
        if not is_there and self.age < SEEN_BY_SECONDS:
            raise RetryMessage(NOT_SEEN_SECONDS, f"{what} is not in Redis yet")

    def told(self, name: NoticeName, parameters: Mapping[str, str] | None = None) -> Outcome:
        """It ends with this notice."""
        return self.ended(replies.notice(self.message, self.user, name, parameters=parameters))

    def ended(self, *letters: Letter) -> Outcome:
        """It ends with these letters."""
        return Outcome(replies=letters, journal_of=self.message.id)
