"""What the users of a load do, and how the model behaves meanwhile."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LoadPlan:
    """Sent as JSON to the fakes."""

    token: str
    """The token of the bot that gets the messages."""
    people: int
    messages: int = 1
    """Messages of each person."""
    first_person: int = 1
    """The Telegram id of the first person; the others follow."""
    window: int = 1
    """How many messages of a person may wait for answers at the same time."""
    rate: float = 0.0
    """Messages per second, the people taking turns; 0: each person sends as soon as the window
    permits."""
    model_seconds: float = 0.0
    """The time of the model before the first token of an answer."""
    stream_seconds: float = 0.0
    """The time from the first to the last token."""
    has_tool_call: bool = False
    """Whether the model calls a tool before it answers, if the request offers tools."""
    patience_seconds: float = 60.0
    """Time without any answer after which the missing ones are lost."""

    @property
    def total(self) -> int:
        return self.people * self.messages

    @property
    def unavoidable_seconds(self) -> float:
        """The time that the model takes for an answer without tool call."""
        return self.model_seconds + self.stream_seconds
