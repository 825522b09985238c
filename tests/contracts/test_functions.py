"""The built-in functions: which there are, what a model is shown of them, what they refuse."""

import json
from datetime import date, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from smart_kit.contracts.functions import (
    FUNCTIONS,
    Arguments,
    AskAssistant,
    ChangeTask,
    CreateReminder,
    CreateTask,
    find_function,
)

ID = "00000000-0000-0000-0000-000000000001"


def parse_arguments(shape: type[Arguments], **given: Any) -> Arguments:
    """As the code reads what a model has written."""
    return shape.model_validate_json(json.dumps(given))


@pytest.mark.parametrize(
    ("tool_type", "name", "found"),
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
def test_only_what_asks_for_nothing_else_may_be_called_otherwise(
    tool_type: Any, name: str, found: str | None
) -> None:
    function = find_function(tool_type, name)
    assert (function.name if function else None) == found


def test_a_model_is_shown_no_word_that_says_nothing() -> None:
    schemas = {function.name: function.schema for function in FUNCTIONS}

    assert schemas["ask_assistant"] == {
        "type": "object",
        "properties": {
            "message": {
                "type": "string",
                "minLength": 1,
                "maxLength": 20_000,
                "description": AskAssistant.model_fields["message"].description,
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
        "description": CreateTask.model_fields["due"].description,
    }, "one of two forms, which the description tells"


@pytest.mark.parametrize(
    ("shape", "given", "said"),
    [
        (CreateReminder, {"text": "x"}, "give exactly one of at, in_seconds and cron"),
        (
            CreateReminder,
            {"text": "x", "in_seconds": 5, "cron": "* * * * *"},
            "give exactly one of at, in_seconds and cron",
        ),
        (
            CreateReminder,
            {"text": "x", "at": "2026-01-01T09:00", "in_seconds": 5},
            "give exactly one of at, in_seconds and cron",
        ),
        (ChangeTask, {"id": ID}, "give at least one thing to change"),
    ],
)
def test_a_model_is_told_what_it_has_to_give(
    shape: type[Arguments], given: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        shape.model_validate(given)
    (problem,) = refused.value.errors()
    assert problem["msg"] == f"Value error, {said}"


def test_one_time_and_one_change_are_enough() -> None:
    for time in ({"at": "2026-01-01T09:00"}, {"in_seconds": 5}, {"cron": "* * * * *"}):
        assert parse_arguments(CreateReminder, text="x", **time).model_fields_set == {"text", *time}
    assert parse_arguments(ChangeTask, id=ID, due=None).model_fields_set == {"id", "due"}


@pytest.mark.parametrize(
    ("due", "kind"), [("2026-01-01", date), ("2026-01-01T09:00", datetime), (None, type(None))]
)
def test_a_date_alone_is_no_midnight(due: str | None, kind: type) -> None:
    assert type(parse_arguments(CreateTask, title="x", due=due).model_dump()["due"]) is kind
