"""Dead letters: messages that could not be processed."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from smart_kit.contracts.base import Contract, UtcDatetime

QueueName = Literal["to_secretary", "to_telegram"]
DeadLetterId = Annotated[
    str,
    StringConstraints(pattern=r"^(to_secretary|to_telegram):[0-9]{1,15}-[0-9]{1,9}$"),
    Field(
        description="The queue and the id of the stream entry",
        examples=["to_secretary:1795250000000-0"],
    ),
]


class DeadLetterRead(Contract):
    """A dead letter without its content."""

    id: DeadLetterId
    queue: QueueName
    conversation: str = Field(description="Empty if the message could not be parsed")
    reason: str
    attempts: int
    failed_at: UtcDatetime


class DeadLetterContentRead(DeadLetterRead):
    """A dead letter with its content."""

    payload: str
    """The queue message as it was stored: JSON, unless it is malformed."""
