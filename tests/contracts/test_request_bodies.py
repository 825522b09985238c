"""What callers write is taken as JSON means it, not as Python would bend it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from smart_kit.contracts.assistants import AssistantUpdate
from smart_kit.contracts.base import AwareDatetimeInput, DatetimeInput
from smart_kit.contracts.cron_jobs import CronJobUpdate
from smart_kit.contracts.users import UserCreate

TIME_ADAPTER = [TypeAdapter(DatetimeInput), TypeAdapter(AwareDatetimeInput)]


@pytest.mark.parametrize("value", [0, 1, 0.0, "true", "yes", "", []])
def test_only_true_and_false_are_boolean(value: Any) -> None:
    with pytest.raises(ValidationError, match="must be true or false"):
        AssistantUpdate.model_validate({"is_active": value})


@pytest.mark.parametrize("value", ["7", " 7", True, False])
def test_a_number_is_no_text_and_no_boolean(value: Any) -> None:
    with pytest.raises(ValidationError, match="must be a number"):
        UserCreate.model_validate({"telegram_id": value})
    with pytest.raises(ValidationError, match="must be a number"):
        CronJobUpdate.model_validate({"bot_id": value})


def test_null_stays_what_it_was() -> None:
    assert AssistantUpdate.model_validate({"is_active": None}).is_active is None
    assert CronJobUpdate.model_validate({"bot_id": None}).bot_id is None
    assert UserCreate.model_validate({"telegram_id": 7.0}).telegram_id == 7


@pytest.mark.parametrize("time", TIME_ADAPTER)
@pytest.mark.parametrize("value", [0, 1795250000, 0.5, "1795250000", " 0.5 ", "-1", True])
def test_seconds_since_1970_are_no_time(time: TypeAdapter[datetime], value: Any) -> None:
    with pytest.raises(ValidationError, match="is a number"):
        time.validate_python(value)


@pytest.mark.parametrize("time", TIME_ADAPTER)
def test_a_time_is_iso_8601(time: TypeAdapter[datetime]) -> None:
    moment = datetime(2026, 11, 27, 8, tzinfo=UTC)
    assert time.validate_python("2026-11-27T09:00:00+01:00") == moment
    assert time.validate_python(moment) == moment


def test_a_moment_that_utc_does_not_have_is_refused() -> None:
    with pytest.raises(ValidationError, match="beyond the calendar"):
        TIME_ADAPTER[1].validate_python("0001-01-01T00:00:00+14:00")
