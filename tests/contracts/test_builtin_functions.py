"""The built-in functions: their names, the schemas that models see, and invalid arguments."""

import json
from datetime import date, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from smart_kit.contracts.builtin_functions import (
    FUNCTIONS,
    Arguments,
    AskAssistantArguments,
    ChangeReminderArguments,
    ChangeSettingsArguments,
    ChangeTaskArguments,
    CreateReminderArguments,
    CreateTaskArguments,
    find_function,
)

ID = "00000000-0000-0000-0000-000000000001"


def parse_arguments(model: type[Arguments], **fields: Any) -> Arguments:
    """Parse arguments from JSON, as in a model's tool call."""
    return model.model_validate_json(json.dumps(fields))


@pytest.mark.parametrize(
    ("tool_type", "name", "expected"),
    [
        ("time", "get_time", "get_time"),
        ("time", "what_time_is_it", "get_time"),
        ("weather", "forecast", "get_weather"),
        ("sub_assistant", "ask_the_lawyer", "ask_assistant"),
        ("reminder", "create_reminder", "create_reminder"),
        ("reminder", "change_task", "change_task"),
        ("reminder", "remind", None),
        ("calendar", "get_time", None),
    ],
)
def test_only_renamable_functions_are_found_under_another_name(
    tool_type: Any, name: str, expected: str | None
) -> None:
    function = find_function(tool_type, name)
    assert (function.name if function else None) == expected


def test_schemas_contain_no_redundant_keywords() -> None:
    schemas = {function.name: function.schema for function in FUNCTIONS}

    assert schemas["ask_assistant"] == {
        "type": "object",
        "properties": {
            "message": {
                "type": "string",
                "description": AskAssistantArguments.model_fields["message"].description,
            }
        },
        "required": ["message"],
        "additionalProperties": False,
    }
    assert schemas["get_weather"]["properties"]["days"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 7,
        "description": "Days of forecast from today, default 1",
    }
    assert "required" not in schemas["get_weather"]
    reminder = schemas["create_reminder"]["properties"]
    assert (reminder["at"]["type"], reminder["at"]["format"]) == ("string", "date-time")
    assert reminder["prompt"].keys() == {"type", "description"}
    due = schemas["create_task"]["properties"]["due"]
    assert due == {
        "type": "string",
        "description": CreateTaskArguments.model_fields["due"].description,
    }, "a date or a date and time; the description explains both"


@pytest.mark.parametrize(
    ("model", "fields", "message"),
    [
        (CreateReminderArguments, {"text": "x"}, "give one of at, in_seconds and cron"),
        (
            CreateReminderArguments,
            {"text": "x", "in_seconds": 5, "rrule": "FREQ=DAILY"},
            "rrule needs at, the first time",
        ),
        (ChangeReminderArguments, {"id": ID}, "give at least one thing to change"),
        (
            ChangeReminderArguments,
            {"id": ID, "rrule": "FREQ=DAILY"},
            "rrule needs at, the first time",
        ),
        (ChangeSettingsArguments, {}, "give place or language"),
        (
            CreateReminderArguments,
            {"text": "x", "in_seconds": 5, "cron": "* * * * *"},
            "give only one of at, in_seconds and cron",
        ),
        (
            CreateReminderArguments,
            {"text": "x", "at": "2026-01-01T09:00", "in_seconds": 5},
            "give only one of at, in_seconds and cron",
        ),
        (ChangeTaskArguments, {"id": ID}, "give at least one thing to change"),
    ],
)
def test_invalid_combinations_of_arguments_are_rejected_with_advice(
    model: type[Arguments], fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError) as raised:
        model.model_validate(fields)
    (error,) = raised.value.errors()
    assert error["msg"] == f"Value error, {message}"


def test_valid_combinations_of_arguments_are_accepted() -> None:
    for time in ({"at": "2026-01-01T09:00"}, {"in_seconds": 5}, {"cron": "* * * * *"}):
        assert parse_arguments(CreateReminderArguments, text="x", **time).model_fields_set == {
            "text",
            *time,
        }
    assert parse_arguments(ChangeTaskArguments, id=ID, due=None).model_fields_set == {"id", "due"}


@pytest.mark.parametrize(
    ("due", "kind"), [("2026-01-01", date), ("2026-01-01T09:00", datetime), (None, type(None))]
)
def test_a_due_date_without_a_time_stays_a_date(due: str | None, kind: type) -> None:
    assert (
        type(parse_arguments(CreateTaskArguments, title="x", due=due).model_dump()["due"]) is kind
    )
