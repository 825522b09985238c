"""Helpers for turns: a tool call, the results of tools, and a delivery that another worker takes
over."""

from assistant.tests.harness import AssistantHarness
from smart_kit.mailbox import Delivery, StreamEntry
from smart_kit.testing.scripted_model import RecordedRequest

REMIND = ("create_reminder", {"text": "stretch", "in_seconds": 60})


def get_tool_results(request: RecordedRequest) -> list[str]:
    """Return the results of tool calls in a model request."""
    return [message["content"] for message in request.messages if message["role"] == "tool"]


async def take_over(harness: AssistantHarness, delivery: Delivery) -> Delivery:
    """Return the delivery that another worker gets once the lease of the first one has ended."""
    redelivery = await harness.mailbox.begin(StreamEntry(delivery.entry_id, delivery.conversation))
    assert redelivery is not None
    return redelivery
