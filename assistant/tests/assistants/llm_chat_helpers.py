"""A call of a tool, the results of tools, and a delivery that another worker takes over."""

from assistant.tests.harness import AssistantHarness
from smart_kit.mailbox import Delivery, Entry
from smart_kit.testing.scripted_model import Asked

REMIND = ("create_reminder", {"text": "stretch", "in_seconds": 60})


def tool_results(asked: Asked) -> list[str]:
    """What the tools answered."""
    return [message["content"] for message in asked.messages if message["role"] == "tool"]


async def take_over(harness: AssistantHarness, delivery: Delivery) -> Delivery:
    """What another worker gets once the lease of the first has ended."""
    again = await harness.mailbox.begin(Entry(delivery.entry, delivery.conversation))
    assert again is not None
    return again
