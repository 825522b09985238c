"""change_settings: what it saves, and what it says about reminders that stay behind."""

import pytest

from assistant.tests.fake_rest_service import make_job
from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshot_builders import id_for, make_secretary, make_tool
from smart_kit.testing.scripted_model import ScriptedModel, make_tool_call_response


@pytest.fixture
async def harness(harness: AssistantHarness) -> AssistantHarness:
    """The secretary has the tool."""
    await harness.configure(make_secretary(make_tool("change_settings")), version=2)
    return harness


async def change_settings(harness: AssistantHarness, model: ScriptedModel, **given: object) -> str:
    """Return the tool result for this call."""
    model.add_steps(make_tool_call_response(("change_settings", given)), "Done.")
    await harness.say("please")
    content: str = model.requests[-1].messages[-1]["content"]
    return content


async def test_language_alone_is_saved(harness: AssistantHarness, model: ScriptedModel) -> None:
    output = await change_settings(harness, model, language="ru")

    assert harness.rest.bodies == [{"language": "ru"}]
    assert output.endswith("language ru.")


async def test_one_time_reminders_of_the_former_zone_are_named(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    here = {"local_at": "2026-11-27T09:00:00", "at": "2026-11-27T08:00:00Z"}
    rule = {"rrule": "FREQ=DAILY;INTERVAL=2"}
    harness.rest.jobs = [
        make_job("call Anna", **here),
        make_job("every other day", **here, **rule),
        make_job("in ten minutes", at="2026-11-27T08:00:00Z"),
        make_job("in Tokyo", **here, timezone="Asia/Tokyo"),
    ]

    output = await change_settings(harness, model, place="Tokyo")

    assert output.startswith("Saved: time zone Asia/Tokyo, ")
    assert output.endswith(
        f"call Anna (Fri 2026-11-27 09:00 Europe/Berlin, id {id_for('call Anna')})"
    )
    assert "Recurring reminders follow." in output
    assert "ten minutes" not in output


async def test_zone_is_saved_although_the_reminders_cannot_be_read(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    harness.rest.failing_methods = {"GET"}

    assert (await change_settings(harness, model, place="Tokyo")).startswith("Saved: ")


async def test_unknown_place_is_an_error_for_the_model(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    output = await change_settings(harness, model, place="Atlantis on Sea")

    assert output.startswith("Error: ")
    assert harness.rest.requests == []
