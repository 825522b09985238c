"""Weather with the demo model in both languages."""

from typing import Any

import pytest

from sandbox.tests.llm.model_requests import call_model, get_tool_calls, run_conversation
from sandbox.weather.invented_weather import SOURCE

PARIS = f"""Weather in Paris, Île-de-France, France (Europe/Paris)
Now, Sat 2026-11-21 13:15: 8 °C, feels like -1 °C, partly cloudy, wind 15 km/h
Sat 2026-11-21: light rain, 4 to 9 °C, precipitation 1.2 mm (60 %), wind up to 22 km/h
Sun 2026-11-22: light snow, -4 to 1 °C, precipitation 0 mm (5 %), wind up to 9 km/h
Source: {SOURCE}"""
UNKNOWN_PLACE = (
    "Error: 'x' is not a place that the weather service knows. Call again with a city's name."
)


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("What's the weather?", {}),
        ("What is the weather in Paris?", {"place": "Paris"}),
        ("weather in Paris today", {"place": "Paris"}),
        ("What is the weather in Paris tomorrow?", {"place": "Paris", "days": 3}),
        ("will it rain in New York on Tuesday?", {"place": "New York", "days": 5}),
        ("what's the weather on Friday in Paris", {"place": "Paris", "days": 7}),
        ("forecast for Paris for 3 days", {"place": "Paris", "days": 3}),
        ("weather in Berlin at the weekend", {"place": "Berlin", "days": 3}),
        ("how cold is it in Oslo the day after tomorrow", {"place": "Oslo", "days": 4}),
        ("weather in Paris, Texas tomorrow", {"place": "Paris, Texas", "days": 3}),
        ("What is the weather in Rome, United States?", {"place": "Rome, United States"}),
        ("is it going to rain in London on Tuesday?", {"place": "London", "days": 5}),
        ("Какая погода?", {}),
        ("Какая погода завтра в Париже?", {"place": "Париже", "days": 3}),
        ("погода Москва", {"place": "Москва"}),
        ("какая погода будет в Москве в понедельник", {"place": "Москве", "days": 4}),
        ("прогноз на неделю в Санкт-Петербурге", {"place": "Санкт-Петербурге", "days": 7}),
        ("будет ли дождь послезавтра в Риме?", {"place": "Риме", "days": 4}),
        ("погода в Сочи на выходные", {"place": "Сочи", "days": 3}),
    ],
)
def test_place_and_days_are_understood(text: str, arguments: dict[str, Any]) -> None:
    (call,) = get_tool_calls(text)
    assert call[0] == "get_weather"
    assert {"place": "", **call[1]} == {"place": "", **arguments}


def test_the_current_weather_is_reported() -> None:
    assert run_conversation("What is the weather in Paris?", PARIS) == (
        "**Paris, Île-de-France, France**\n\n"
        "- Now: 8 °C, feels like -1 °C, partly cloudy, wind 15 km/h\n"
        "- Saturday, 21 November: light rain, 4 to 9 °C, precipitation 1.2 mm (60 %),"
        " wind up to 22 km/h\n"
        "- Sunday, 22 November: light snow, -4 to 1 °C, precipitation 0 mm (5 %),"
        " wind up to 9 km/h\n\n"
        f"Source: {SOURCE}"
    )


def test_only_the_requested_day_is_reported_in_russian() -> None:
    assert run_conversation("Какая погода завтра в Париже?", PARIS) == (
        "**Paris, Île-de-France, France**\n\n"
        "- воскресенье, 22 ноября: небольшой снег, от -4 до 1 °C, осадки 0 мм (5 %),"
        " ветер до 9 км/ч\n\n"
        "Источник: песочница, погода выдуманная"
    )


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ("Sat 2026-11-21: clear, 4 to 9 °C\nSun 2026-11-22: fog, 1 to 2 °C", "22 November: fog"),
        ("Fri 2026-11-20: clear, 4 to 9 °C\nSat 2026-11-21: fog, 1 to 2 °C", "No forecast yet."),
    ],
)
def test_day_is_reported_where_it_is_still_yesterday(days: str, expected: str) -> None:
    weather = f"Weather in Oslo (Europe/Oslo)\n{days}\nSource: {SOURCE}"
    assert expected in run_conversation("What is the weather in Oslo tomorrow?", weather)


def test_weather_of_several_places_is_requested_together() -> None:
    calls = [("get_weather", {"place": "Paris"}), ("get_weather", {"place": "Rome"})]
    assert get_tool_calls("What is the weather in Paris and Rome?") == calls

    answer = run_conversation("What is the weather in Paris and Rome?", PARIS, PARIS)
    assert f"{SOURCE}\n\n**Paris" in answer


def test_other_name_forms_are_tried_only_for_unknown_places() -> None:
    assert "**Paris" in run_conversation("погода в Париже", UNKNOWN_PLACE, UNKNOWN_PLACE, PARIS)
    down = "Error: The weather service does not answer at the moment. Tell the user."
    answer = run_conversation("погода в Париже", down)
    assert answer == (
        "Не получилось. Инструмент отвечает: The weather service does not answer at the moment."
    )


def test_error_with_a_quoted_name_keeps_its_quotes() -> None:
    error = "Error: 'Rome, Texas' does not exist. Call again with another."
    assert run_conversation("weather in Rome, Texas", error) == (
        "That did not work. The tool says: 'Rome, Texas' does not exist."
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [("what's the weather?", "Where?"), ("какая погода?", "Где?")],
)
def test_missing_place_is_asked_for(text: str, expected: str) -> None:
    unknown = "Error: No place was named, and the time zone UTC tells none. Ask the user which."
    assert run_conversation(text, unknown).startswith(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("forecast for Paris for 10 days", "a week ahead"), ("погода в Париже 1 декабря", "неделю")],
)
def test_forecast_too_far_ahead_is_not_requested(text: str, expected: str) -> None:
    assert call_model(text).tool_calls == ()
    assert expected in call_model(text).text
