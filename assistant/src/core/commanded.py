"""A command or a press at work."""

from dataclasses import dataclass
from uuid import UUID

from smart_kit.contracts.configuration import ConfigurationSnapshot
from smart_kit.contracts.queue import UserCommand, UserPress
from smart_kit.contracts.threads import first_thread_id
from smart_kit.contracts.users import UserSnapshot


@dataclass(frozen=True)
class Commanded:
    """It, with everything known of it."""

    message: UserCommand | UserPress
    user: UserSnapshot
    assistant_id: UUID
    """Who answers the person now."""
    configuration: ConfigurationSnapshot

    @property
    def idempotency_key(self) -> str:
        """The same in every attempt."""
        return f"{self.message.id}/0"

    @property
    def thread_id(self) -> UUID:
        """Of the person with the assistant they talk to."""
        begun = self.user.threads.get(self.assistant_id)
        return begun or first_thread_id(self.user.id, self.assistant_id)
