"""The sandbox's stand-in for Open-Meteo."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import available_timezones

import pytest
import time_machine

from sandbox.tests.sandbox_harness import SandboxHarness
from sandbox.weather.gazetteer import find_places, load_cities
from sandbox.weather.invented_weather import weather_on

VARIABLES = {
    "current": "temperature_2m,apparent_temperature,weather_code,wind_speed_10m,is_day",
    "daily": "weather_code,temperature_2m_max,temperature_2m_min,precipitation_sum,"
    "precipitation_probability_max,wind_speed_10m_max",
}
BERLIN = {"latitude": "52.52", "longitude": "13.41"}


async def get_json(sandbox: SandboxHarness, path: str, **query: str) -> tuple[int, dict[str, Any]]:
    async with sandbox.http.get(f"{sandbox.url}/weather/v1/{path}", params=query) as response:
        return response.status, await response.json()


async def get_forecast(sandbox: SandboxHarness, **query: str) -> dict[str, Any]:
    status, response = await get_json(sandbox, "forecast", **BERLIN, **query)
    assert status == 200, response
    return response


async def test_city_is_found_with_country_and_zone(sandbox: SandboxHarness) -> None:
    _, response = await get_json(sandbox, "search", name="berlin", language="en")
    (berlin,) = response["results"]

    assert (berlin["name"], berlin["admin1"]) == ("Berlin", "State of Berlin")
    assert (berlin["country"], berlin["timezone"]) == ("Germany", "Europe/Berlin")
    assert (berlin["latitude"], berlin["longitude"]) == (52.52, 13.41)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Москва", "Москва"),
        ("москве", "Москва"),
        ("Берлине", "Берлин"),
        ("Нью-Йорке", "Нью-Йорк"),
        ("нью йорк", "Нью-Йорк"),
        ("Риге", "Рига"),
        ("Афинах", "Афины"),
        ("Токио", "Токио"),
        ("Кельн", "Кёльн"),
        ("Уфе", "Уфа"),
        ("Нижнем Новгороде", "Нижний Новгород"),
        ("Карловых Варах", "Карловы Вары"),
        ("Ростове-на-Дону", "Ростов-на-Дону"),
        ("Питере", "Санкт-Петербург"),
    ],
)
def test_declined_russian_names_are_found(name: str, found: str) -> None:
    assert [place["name"] for place in find_places(name, "ru")] == [found]


def test_all_places_of_the_same_name_are_returned() -> None:
    assert [place["country_code"] for place in find_places("Paris", "en")] == ["FR", "US"]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("kiev", "Kyiv"),
        ("St. Petersburg", "Saint Petersburg"),
        ("Zürich", "Zurich"),
        ("munchen", "Munich"),
        ("são paulo", "São Paulo"),
        ("Tel-Aviv", "Tel Aviv"),
    ],
)
def test_alternative_names_accents_and_case_are_accepted(name: str, found: str) -> None:
    assert [place["name"] for place in find_places(name, "en")] == [found]


def test_zone_city_is_found_at_its_coordinates() -> None:
    (port_moresby,) = find_places("port moresby", "en")

    assert port_moresby["timezone"] == "Pacific/Port_Moresby"
    assert (port_moresby["latitude"], port_moresby["longitude"]) == (-9.5, 147.17)
    assert (port_moresby["country"], port_moresby["country_code"]) == ("Papua New Guinea", "PG")


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("Atlantis", "en"),
        ("Атлантида", "ru"),
        ("Атлантиде", "ru"),
        ("Nowhere in particular", "en"),
        ("Eastern", "en"),
        ("UTC", "en"),
        ("", "en"),
        ("", "ru"),
        ("x", "en"),
        ("Paris, Texas", "en"),
        ("12345", "en"),
        ("?!", "ru"),
    ],
)
async def test_unknown_place_has_no_results(
    sandbox: SandboxHarness, name: str, language: str
) -> None:
    assert await get_json(sandbox, "search", name=name, language=language) == (200, {})


@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_place_is_complete_and_found_by_its_name(language: str) -> None:
    zones = available_timezones()
    for city in load_cities(language == "ru"):
        fields = city.fields
        assert fields["timezone"] in zones
        assert abs(fields["latitude"]) < 90
        assert abs(fields["longitude"]) <= 180
        assert len(fields["country_code"]) == 2
        found = find_places(fields["name"], language)
        assert fields in found
        assert {place["name"] for place in found} == {fields["name"]}


def test_places_are_unique() -> None:
    for is_russian in (False, True):
        places = [
            (city.fields["name"], city.fields["timezone"]) for city in load_cities(is_russian)
        ]
        assert len(places) == len(set(places))


async def test_forecast_has_requested_variables_with_units(
    sandbox: SandboxHarness,
) -> None:
    response = await get_forecast(sandbox, timezone="Europe/Berlin", **VARIABLES)

    for part in ("current", "daily"):
        assert set(response[part]) == {"time", *VARIABLES[part].split(",")}
        assert set(response[f"{part}_units"]) == set(response[part])
    assert {len(values) for values in response["daily"].values()} == {7}
    assert "sandbox" in response["source"]


@pytest.mark.parametrize(
    ("zone", "today"), [("GMT", "2026-11-22"), ("Europe/Berlin", "2026-11-23")]
)
async def test_forecast_begins_today_in_the_requested_zone(
    sandbox: SandboxHarness, zone: str, today: str
) -> None:
    with time_machine.travel(datetime(2026, 11, 22, 23, 30, tzinfo=UTC), tick=False):
        response = await get_forecast(sandbox, timezone=zone, **VARIABLES)

    assert response["daily"]["time"][0] == today
    assert response["current"]["time"].startswith(f"{today}T")


async def test_forecast_covers_the_requested_dates(sandbox: SandboxHarness) -> None:
    daily = {"daily": "weather_code"}
    dates = {"start_date": "2030-02-28", "end_date": "2030-03-01"}
    response = await get_forecast(sandbox, current="weather_code", **daily, **dates)
    assert response["daily"]["time"] == ["2030-02-28", "2030-03-01"]
    assert response["current"]["time"].startswith("2030-02-28T")
    assert response["current"]["weather_code"] == response["daily"]["weather_code"][0]


@pytest.mark.parametrize(
    "query",
    [
        {"latitude": "x"},
        {"latitude": "91"},
        {"longitude": "-181"},
        {"latitude": "nan"},
        {"timezone": "Mars/Olympus"},
        {"end_date": "2999-11-22"},
        {"start_date": "tomorrow"},
        {"start_date": "2026-11-22", "end_date": "2026-11-21"},
        {"start_date": "9999-12-31"},
        {"daily": "weather_code,sunrise"},
        {"current": "snow"},
    ],
    ids=str,
)
async def test_invalid_query_is_refused_with_a_reason(
    sandbox: SandboxHarness, query: dict[str, str]
) -> None:
    status, response = await get_json(sandbox, "forecast", **BERLIN | query)

    assert (status, response["error"]) == (400, True)
    assert response["reason"]


async def test_search_without_a_name_is_refused(sandbox: SandboxHarness) -> None:
    assert (await get_json(sandbox, "search"))[0] == 400


@pytest.mark.parametrize("latitude", [-33.9, 1.3, 25.1, 52.5, 64.1, 90])
def test_weather_is_plausible_and_repeatable(latitude: float) -> None:
    for ahead in range(0, 365, 3):
        day = date(2026, 1, 1) + timedelta(days=ahead)
        weather = weather_on(latitude, 10, day)

        assert weather == weather_on(latitude, 10, day)
        assert -50 < weather.min_temperature < weather.max_temperature < 50
        assert (weather.precipitation > 0) == (weather.code > 45)
        assert weather.code not in (71, 73, 75, 85) or weather.min_temperature < 0


def test_seasons_are_opposite_on_the_southern_hemisphere() -> None:
    def mean(latitude: float, month: int) -> float:
        days = [weather_on(latitude, 0, date(2026, month, day)) for day in range(1, 29)]
        return sum(day.max_temperature + day.min_temperature for day in days) / 2 / len(days)

    assert mean(55.75, 1) < 0 < 15 < mean(55.75, 7)
    assert mean(-33.9, 1) > mean(-33.9, 7) + 5
    assert abs(mean(1.3, 1) - mean(1.3, 7)) < 4
