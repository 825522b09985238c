"""Tool records that become tools."""

import pytest
import structlog

from assistant.src.tools.rest_service_tool import TOOLS, RestServiceTool
from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshot_builders import make_tool
from smart_kit.contracts.builtin_functions import FUNCTIONS


def test_each_built_in_function_has_its_tool() -> None:
    assert sorted(TOOLS) == sorted(function.name for function in FUNCTIONS)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_a_tool_takes_the_arguments_of_its_function(function) -> None:
    made = TOOLS[function.name]
    assert made.arguments is function.arguments
    assert made.may_write == (function.effect_class == "writes")


@pytest.mark.parametrize("made", TOOLS.values(), ids=lambda tool: tool.__name__)
def test_a_record_becomes_the_tool_of_its_type(made, harness: AssistantHarness) -> None:
    record = make_tool(made.function)
    built = RestServiceTool(record, harness.services).to_tool()

    assert type(built) is made
    assert built.definition == {
        "name": record.name,
        "description": record.description,
        "parameters": record.input_schema,
    }


def test_a_clock_may_be_called_otherwise(harness: AssistantHarness) -> None:
    record = make_tool("get_time", "world_clock")
    built = RestServiceTool(record, harness.services).to_tool()

    assert built is not None
    assert built.name == "world_clock"


@pytest.mark.parametrize(
    "changes", [{"tool_type": "calendar"}, {"tool_type": "reminder", "name": "list_birthdays"}]
)
def test_unknown_function_is_skipped(harness: AssistantHarness, changes: dict) -> None:
    record = (
        make_tool("get_time", **changes)
        if "name" not in changes
        else make_tool("get_time").model_copy(update=changes)
    )

    with structlog.testing.capture_logs() as lines:
        assert RestServiceTool(record, harness.services).to_tool() is None
    (line,) = lines
    assert (line["tool"], line["type"]) == (record.name, record.tool_type)
