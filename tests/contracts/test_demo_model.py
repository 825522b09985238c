"""What assistants' tools answer, the demo model reads: it shares no code with them."""

import re
from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from assistant.src.services.forecast import Current, Daily, Forecast, Place
from assistant.src.tools import task_tool
from assistant.src.tools.weather_report import WEATHER_WORDS, report
from sandbox.llm.task_list import read_tasks
from sandbox.tests.llm.asking import converse
from sandbox.weather.climate import SOURCE
from smart_kit.contracts.tasks import TaskRead

BERLIN = ZoneInfo("Europe/Berlin")
PARIS = Place(name="Париж", latitude=48.9, longitude=2.4, timezone="Europe/Paris")


def weather(codes: Iterable[int | None], value: float | None) -> str:
    """A report with a day for each code."""
    codes = tuple(codes)
    days = tuple(date.fromordinal(739_000 + ahead) for ahead in range(len(codes)))
    values = {name: (value,) * len(codes) for name in Daily.model_fields}
    forecast = Forecast(
        current=Current(
            time="2026-11-21T13:15",
            temperature_2m=8,
            apparent_temperature=7,
            weather_code=0,
            wind_speed_10m=3,
        ),
        daily=Daily(**values | {"time": days, "weather_code": codes}),
        source=SOURCE,
    )
    return report(PARIS, forecast, forecast.days)


@pytest.mark.parametrize("value", [3.4, None])
def test_the_weather_is_told_in_russian_whatever_it_is(value: float | None) -> None:
    told = converse("какая погода в Париже?", weather((*WEATHER_WORDS, None), value))

    assert told.startswith("**Париж**")
    assert told.count("\n- ") == 1 + len(WEATHER_WORDS) + 1
    assert re.findall("[A-Za-z]{2,}", told) == []


def task(**changes: Any) -> TaskRead:
    """A task as rest_service tells it."""
    moment = "2026-11-21T12:00:00Z"
    return TaskRead(
        **{
            "id": uuid4(),
            "user_id": uuid4(),
            "title": "buy milk",
            "status": "open",
            "due_at": None,
            "priority": "normal",
            "completed_at": None,
            "created_at": moment,
            "updated_at": moment,
        }
        | changes
    )


@pytest.mark.parametrize("status", ["open", "done", "cancelled"])
@pytest.mark.parametrize("priority", ["low", "normal", "high"])
@pytest.mark.parametrize("due_at", [None, "2026-11-27T22:59:00Z"])
@pytest.mark.parametrize("title", ["buy milk", "[due] (id x)", "два\nслова"])
def test_every_line_of_a_list_of_tasks_is_read(
    status: str, priority: str, due_at: str | None, title: str
) -> None:
    made = task(status=status, priority=priority, due_at=due_at, title=title)
    (read,) = read_tasks(f"All tasks:\n- {task_tool._line(made, BERLIN)}")

    assert (read.id, read.title) == (str(made.id), " ".join(title.split()))
    assert read.priority == ("" if priority == "normal" else priority)
    assert (read.due is None) == (due_at is None)
    assert read.due is None or f"{read.due:%a %H:%M}" == "Fri 23:59"
