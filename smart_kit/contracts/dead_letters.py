"""Messages that nobody could handle, as an administrator sees them."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from smart_kit.contracts.base import Contract, UtcDatetime

QueueName = Literal["to_secretary", "to_telegram"]
DeadLetterId = Annotated[
    str,
    StringConstraints(pattern=r"^(to_secretary|to_telegram):[0-9]{1,15}-[0-9]{1,9}$"),
    Field(
        description="The queue and the letter's place in it",
        examples=["to_secretary:1795250000000-0"],
    ),
]


class DeadLetterRead(Contract):
    """A message that nobody could handle, without what it holds."""

    id: DeadLetterId
    queue: QueueName
    conversation: str = Field(description="Empty where not even that could be read")
    reason: str
    attempts: int
    failed_at: UtcDatetime


class DeadLetterContentRead(DeadLetterRead):
    """The same with what it holds."""

    payload: str = Field(description="As it lay in the queue: JSON, unless it is broken")
