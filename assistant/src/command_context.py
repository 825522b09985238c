"""A command or a press at work."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from smart_kit.contracts.base import utc_now
from smart_kit.contracts.configuration import AssistantSnapshot, ModelSnapshot
from smart_kit.contracts.queue import NoticeName, UserCommand, UserPress
from smart_kit.contracts.users import UserSnapshot
from smart_kit.errors import RetryMessage
from smart_kit.mailbox import Envelope, Outcome

from .messages import replies

VISIBILITY_RETRY_SECONDS = 1.0
VISIBILITY_TIMEOUT_SECONDS = 60.0
"""So old a command must be before it no longer waits for what it changed to be seen: another may
have followed it."""


@dataclass(frozen=True)
class CommandContext:
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
    def age_seconds(self) -> float:
        """Seconds since it was put into the queue."""
        return (utc_now() - self.message.created_at).total_seconds()

    def require_visible(self, what: str, *, is_there: bool) -> None:
        """The next message has to find in Redis what this one changed: raises RetryMessage until
        it is there."""
        if not is_there and self.age_seconds < VISIBILITY_TIMEOUT_SECONDS:
            raise RetryMessage(VISIBILITY_RETRY_SECONDS, f"{what} is not in Redis yet")

    def reply_with_notice(
        self, name: NoticeName, parameters: Mapping[str, str] | None = None
    ) -> Outcome:
        """It ends with this notice."""
        return self.reply_with(
            replies.build_notice(self.message, self.user, name, parameters=parameters)
        )

    def reply_with(self, *envelopes: Envelope) -> Outcome:
        """It ends with these letters."""
        return Outcome(replies=envelopes, journal_message_id=self.message.id)
