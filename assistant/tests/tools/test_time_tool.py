"""The results of get_time."""

from datetime import datetime, timedelta

import pytest
import time_machine

from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshot_builders import make_user
from smart_kit.testing.scripted_model import ScriptedModel, make_tool_call_response


@pytest.mark.parametrize(
    ("arguments", "reported"),
    [
        ({}, "2026-11-21T13:24:30+01:00 Saturday, Europe/Berlin"),
        ({"place": ""}, "2026-11-21T13:24:30+01:00 Saturday, Europe/Berlin"),
        ({"place": "Tokyo"}, "2026-11-21T21:24:30+09:00 Saturday, Asia/Tokyo"),
        ({"place": "Катманду"}, "2026-11-21T18:09:30+05:45 Saturday, Asia/Kathmandu"),
        ({"place": "Auckland"}, "2026-11-22T01:24:30+13:00 Sunday, Pacific/Auckland"),
    ],
)
async def test_time_has_weekday_zone_and_offset(
    harness: AssistantHarness, model: ScriptedModel, arguments: dict, reported: str
) -> None:
    model.add_steps(make_tool_call_response(("get_time", arguments)), "There.")
    with time_machine.travel("2026-11-21T12:24:30.7Z", tick=False):
        await harness.say("what time is it?")

    assert model.requests[1].messages[-1]["content"] == reported


async def test_the_suites_clock_is_asked_and_not_the_machines(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    harness.clock.offset = timedelta(days=365)
    model.add_steps(make_tool_call_response(("get_time", {})), "There.")
    await harness.say("what time is it?")

    output = datetime.fromisoformat(model.requests[1].messages[-1]["content"].split()[0])
    assert output - datetime.now(output.tzinfo) > timedelta(days=364)


@pytest.mark.parametrize("zone", [None, "Mars/Olympus"])
async def test_default_zone_is_used_without_a_user_zone(
    harness: AssistantHarness, model: ScriptedModel, zone: str | None
) -> None:
    await harness.store_user(make_user(timezone=zone))
    model.add_steps(make_tool_call_response(("get_time", {})), "There.")
    await harness.say("what time is it?")

    question, tool_result = (request.messages[-1]["content"] for request in model.requests)
    assert question.startswith("[Sat 2026-11-21 07:24 America/New_York]\n")
    assert tool_result.endswith(", America/New_York")
