"""A command or pressed button, with what its handler needs."""

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
"""Age in seconds at which a command no longer waits until its change is visible: a later change may
have replaced it."""


@dataclass(frozen=True)
class CommandContext:
    """The message, its user, and what the user may choose."""

    message: UserCommand | UserPress
    user: UserSnapshot
    assistant_id: UUID
    """The user's current assistant."""
    thread_id: UUID
    """The user's current thread with that assistant."""
    configuration_version: int
    secretaries: Sequence[AssistantSnapshot]
    """The assistants that users may choose."""
    models: Sequence[ModelSnapshot]
    """The models that users may choose."""

    @property
    def idempotency_key(self) -> str:
        """The same in every attempt at the message."""
        return f"{self.message.id}/0"

    @property
    def age_seconds(self) -> float:
        """Seconds since the message was put into the queue."""
        return (utc_now() - self.message.created_at).total_seconds()

    def require_visible(self, what: str, *, is_there: bool) -> None:
        """Raise RetryMessage until Redis has the change: the next message reads it there."""
        if not is_there and self.age_seconds < VISIBILITY_TIMEOUT_SECONDS:
            raise RetryMessage(VISIBILITY_RETRY_SECONDS, f"{what} is not in Redis yet")

    def reply_with_notice(
        self, name: NoticeName, parameters: Mapping[str, str] | None = None
    ) -> Outcome:
        """Return the outcome that sends this notice."""
        return self.reply_with(
            replies.build_notice(self.message, self.user, name, parameters=parameters)
        )

    def reply_with(self, *envelopes: Envelope) -> Outcome:
        """Return the outcome that sends these replies."""
        return Outcome(replies=envelopes, journal_message_id=self.message.id)
