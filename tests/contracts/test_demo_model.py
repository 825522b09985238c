"""The demo model parses the results of the assistant's tools, and tg_bot renders its answers."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from assistant.src.messages.conversation import (
    TIMEZONE_QUESTION,
    add_timestamp,
    build_waiting_text,
)
from assistant.src.services.open_meteo import OpenMeteoClient
from assistant.src.services.open_meteo_schemas import CurrentWeather, DailySeries, Forecast, Place
from assistant.src.tools import reminder_tool, settings_tool, task_tool
from assistant.src.tools.weather_tool import WEATHER_DESCRIPTIONS, find_place, render_report
from sandbox.llm.places import guess_nominative_forms
from sandbox.llm.task_and_reminder_lists import parse_entries
from sandbox.telegram.rich.plain_text import flatten_rich_text
from sandbox.tests.llm.model_requests import call_model, get_tool_calls, run_conversation
from sandbox.tests.sandbox_harness import run_sandbox
from sandbox.weather.invented_weather import SOURCE
from smart_kit.contracts.cron_jobs import CronJobRead
from smart_kit.contracts.tasks import TaskRead
from smart_kit.contracts.users import UserRead
from smart_kit.errors import InvalidInputError
from tg_bot.src.rendering.rendered_message import render_message

BERLIN = ZoneInfo("Europe/Berlin")
PARIS = Place(name="Париж", latitude=48.9, longitude=2.4, timezone="Europe/Paris")


def make_weather_report(codes: Iterable[int | None], value: float | None) -> str:
    """Render a report with a day for each weather code and one value for all other fields."""
    codes = tuple(codes)
    days = tuple(date.fromordinal(739_000 + ahead) for ahead in range(len(codes)))
    values = {name: (value,) * len(codes) for name in DailySeries.model_fields}
    forecast = Forecast(
        current=CurrentWeather(
            time="2026-11-21T13:15",
            temperature_2m=8,
            apparent_temperature=7,
            weather_code=0,
            wind_speed_10m=3,
        ),
        daily=DailySeries(**values | {"time": days, "weather_code": codes}),
        source=SOURCE,
    )
    return render_report(PARIS, forecast, forecast.days)


@pytest.mark.parametrize("value", [3.4, None])
def test_every_weather_report_is_translated_to_russian(value: float | None) -> None:
    answer = run_conversation(
        "какая погода в Париже?", make_weather_report((*WEATHER_DESCRIPTIONS, None), value)
    )

    assert answer.startswith("**Париж**")
    assert answer.count("\n- ") == 1 + len(WEATHER_DESCRIPTIONS) + 1
    assert re.findall("[A-Za-z]{2,}", answer) == []


@pytest.mark.parametrize(
    ("question", "name", "answer"),
    [
        (
            "weather in Atlantis",
            "Atlantis",
            "The weather service does not know the place “Atlantis”.",
        ),
        ("погода в Атлантиде", "Атлантиде", "Служба погоды не знает места «Атлантиде»."),
    ],
)
async def test_the_demo_model_reports_an_unknown_place(
    question: str, name: str, answer: str, tmp_path: Path
) -> None:
    async with run_sandbox(tmp_path) as sandbox:
        weather = OpenMeteoClient(f"{sandbox.url}/weather")
        errors = [
            await get_tool_error(weather, form) for form in (name, *guess_nominative_forms(name))
        ]
        await weather.close()
    assert run_conversation(question, *(f"Error: {error}" for error in errors)) == answer


async def get_tool_error(weather: OpenMeteoClient, name: str) -> str:
    """Return the error of the weather tool for an unknown place."""
    with pytest.raises(InvalidInputError) as error:
        await find_place(weather, name)
    return str(error.value)


@pytest.mark.parametrize(
    "question", ["What is the quadratic formula?", "Какая формула у корней квадратного уравнения?"]
)
def test_the_formulas_of_the_demo_model_are_rendered_as_mathematics(question: str) -> None:
    (part,) = render_message(call_model(question).text).rich_parts

    assert [block["type"] for block in part.blocks] == [
        "paragraph",
        "mathematical_expression",
        "paragraph",
    ]
    assert part.blocks[1]["expression"] == r"x_{1,2} = \frac{-b \pm \sqrt{b^2 - 4ac}}{2a}"
    assert str(part.blocks).count("'mathematical_expression'") == 1 + 2 + 3
    assert "$" not in str(part.blocks)
    assert "\n" not in "".join(flatten_rich_text(block["text"]) for block in part.blocks[::2])


def make_task(**changes: Any) -> TaskRead:
    """Make a task as rest_service returns it."""
    created_at = "2026-11-21T12:00:00Z"
    return TaskRead(
        **{
            "id": uuid4(),
            "user_id": uuid4(),
            "title": "buy milk",
            "status": "open",
            "due_at": None,
            "priority": "normal",
            "completed_at": None,
            "created_at": created_at,
            "updated_at": created_at,
        }
        | changes
    )


@pytest.mark.parametrize("status", ["open", "done", "cancelled"])
@pytest.mark.parametrize("priority", ["low", "normal", "high"])
@pytest.mark.parametrize("due_at", [None, "2026-11-27T22:59:00Z"])
@pytest.mark.parametrize("title", ["buy milk", "[due] (id x)", "два\nслова"])
def test_the_demo_model_parses_every_line_of_a_task_list(
    status: str, priority: str, due_at: str | None, title: str
) -> None:
    task = make_task(status=status, priority=priority, due_at=due_at, title=title)
    (parsed,) = parse_entries(f"All tasks:\n- {task_tool._render_task(task, BERLIN)}")

    assert (parsed.id, parsed.title) == (str(task.id), " ".join(title.split()))
    assert parsed.priority == ("" if priority == "normal" else priority)
    assert (parsed.due is None) == (due_at is None)
    assert parsed.due is None or f"{parsed.due:%a %H:%M}" == "Fri 23:59"


NEXT_FIRE = "2026-11-27T08:00:00Z"
SINCE = datetime(2026, 11, 25, tzinfo=UTC)
"""Reminders delivered later are marked in lists."""

TIME_FIELDS = {
    "one-off": {"at": NEXT_FIRE, "local_at": "2026-11-27T09:00:00"},
    "elsewhere": {
        "at": NEXT_FIRE,
        "local_at": "2026-11-27T17:00:00",
        "timezone": "Asia/Tokyo",
    },
    "delivered": {"last_fired_at": NEXT_FIRE, "next_fire_at": None, "is_active": False},
    "cron": {"cron_expression": "0 9 * * 5L"},
    "repeated": {"cron_expression": "0 9 * * 5L", "last_fired_at": "2026-11-26T08:00:00Z"},
    "rrule": {"at": NEXT_FIRE, "rrule": "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR"},
}


def make_job(**changes: Any) -> CronJobRead:
    """Make a reminder as rest_service returns it."""
    created_at = "2026-11-21T12:00:00Z"
    return CronJobRead(
        **{
            "id": uuid4(),
            "user_id": uuid4(),
            "type": "reminder",
            "name": "call Ann",
            "text": "call Ann",
            "at": None,
            "cron_expression": None,
            "timezone": BERLIN.key,
            "chat_id": 1,
            "priority": "high",
            "is_active": True,
            "next_fire_at": NEXT_FIRE,
            "created_at": created_at,
            "updated_at": created_at,
        }
        | changes
    )


@pytest.mark.parametrize("kind", TIME_FIELDS)
@pytest.mark.parametrize("job_type", ["reminder", "prompt"])
@pytest.mark.parametrize("text", ["call Ann", "[prompt] (id x)", "два\nслова"])
def test_the_demo_model_parses_every_line_of_a_reminder_list(
    kind: str, job_type: str, text: str
) -> None:
    job = make_job(type=job_type, text=text, **TIME_FIELDS[kind])
    (parsed,) = parse_entries(reminder_tool._render_list(BERLIN, SINCE, [job]))

    assert (parsed.id, parsed.title) == (str(job.id), " ".join(text.split()))
    assert parsed.is_delivered == (kind == "delivered")
    assert (parsed.delivered_at is not None) == (kind in ("delivered", "repeated"))
    assert (parsed.at or parsed.delivered_at) == datetime(2026, 11, 27, 9)
    assert (parsed.cron, parsed.rrule) == (job.cron_expression, job.rrule)
    assert parsed.is_prompt == (job_type == "prompt")


def make_user(zone: str) -> UserRead:
    """Make a user as rest_service returns it."""
    return UserRead.model_construct(timezone=zone, language=None)


def test_the_demo_model_tells_the_saved_zone_and_the_reminders_that_stay_behind() -> None:
    job = make_job(**TIME_FIELDS["one-off"])
    result = settings_tool._render_result([job], make_user("Asia/Tokyo"))
    answer = run_conversation("I live in Tokyo", result)

    assert answer.startswith("Your time zone is Asia/Tokyo.\n")
    assert answer.endswith("\n- call Ann (Friday, 27 November, 09:00 Europe/Berlin)")


def test_the_demo_model_knows_the_question_for_the_time_zone() -> None:
    waiting = {"earlier": ("remind me tomorrow at 9 to rest",), "answer": TIMEZONE_QUESTION}

    assert get_tool_calls("Tokyo", **waiting) == [("change_settings", {"place": "Tokyo"})]
    result = settings_tool._render_result([], make_user("Asia/Tokyo"))
    assert "I will remind you tomorrow at 9" in run_conversation("Tokyo", result, "ok", **waiting)


@pytest.mark.parametrize("later", ["never mind", "No, don't do it", "не надо", "забудь"])
def test_the_demo_model_does_what_had_to_wait_unless_it_was_taken_back(later: str) -> None:
    written_at = datetime(2026, 11, 20, 23, 58, tzinfo=BERLIN)
    requests = ("remind me tomorrow at 9 to rest", "remind me on Sunday at 10 to call Ann")
    text = build_waiting_text([add_timestamp(one, written_at) for one in requests])

    calls = get_tool_calls(text, earlier=requests, answer=TIMEZONE_QUESTION)
    assert calls == [
        ("create_reminder", {"text": "rest", "at": "2026-11-21T09:00:00"}),
        ("create_reminder", {"text": "call Ann", "at": "2026-11-22T10:00:00"}),
    ]
    assert get_tool_calls(text, earlier=(*requests, later), answer="All right.") == []
