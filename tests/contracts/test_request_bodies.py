"""Request bodies are parsed strictly: pydantic's lenient conversions are rejected."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from smart_kit.contracts.assistants import AssistantUpdate
from smart_kit.contracts.base import AwareDatetimeInput, DatetimeInput
from smart_kit.contracts.cron_jobs import CronJobUpdate
from smart_kit.contracts.users import UserCreate

TIME_ADAPTERS = [TypeAdapter(DatetimeInput), TypeAdapter(AwareDatetimeInput)]


@pytest.mark.parametrize("value", [0, 1, 0.0, "true", "yes", "", []])
def test_only_true_and_false_are_accepted_as_booleans(value: Any) -> None:
    with pytest.raises(ValidationError, match="must be true or false"):
        AssistantUpdate.model_validate({"is_active": value})


@pytest.mark.parametrize("value", ["7", " 7", True, False])
def test_strings_and_booleans_are_rejected_as_numbers(value: Any) -> None:
    with pytest.raises(ValidationError, match="must be a number"):
        UserCreate.model_validate({"telegram_id": value})
    with pytest.raises(ValidationError, match="must be a number"):
        CronJobUpdate.model_validate({"bot_id": value})


def test_null_and_whole_floats_are_accepted() -> None:
    assert AssistantUpdate.model_validate({"is_active": None}).is_active is None
    assert CronJobUpdate.model_validate({"bot_id": None}).bot_id is None
    assert UserCreate.model_validate({"telegram_id": 7.0}).telegram_id == 7


@pytest.mark.parametrize("adapter", TIME_ADAPTERS)
@pytest.mark.parametrize("value", [0, 1795250000, 0.5, "1795250000", " 0.5 ", "-1", True])
def test_unix_timestamps_are_rejected_as_times(adapter: TypeAdapter[datetime], value: Any) -> None:
    with pytest.raises(ValidationError, match="is a number"):
        adapter.validate_python(value)


@pytest.mark.parametrize("adapter", TIME_ADAPTERS)
def test_iso_8601_times_are_accepted(adapter: TypeAdapter[datetime]) -> None:
    time = datetime(2026, 11, 27, 8, tzinfo=UTC)
    assert adapter.validate_python("2026-11-27T09:00:00+01:00") == time
    assert adapter.validate_python(time) == time


def test_a_time_outside_the_calendar_in_utc_is_rejected() -> None:
    with pytest.raises(ValidationError, match="beyond the calendar"):
        TIME_ADAPTERS[1].validate_python("0001-01-01T00:00:00+14:00")
