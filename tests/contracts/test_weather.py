"""The assistant's Open-Meteo client works with the sandbox's weather service."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from assistant.src.services.open_meteo import FORECAST_DAYS, OpenMeteoClient
from sandbox.tests.sandbox_harness import run_sandbox
from sandbox.weather.invented_weather import SOURCE

TODAY = date(2026, 11, 21)


@pytest.fixture
async def weather(tmp_path: Path) -> AsyncIterator[OpenMeteoClient]:
    async with run_sandbox(tmp_path) as sandbox:
        client = OpenMeteoClient(f"{sandbox.url}/weather")
        yield client
        await client.close()


@pytest.mark.parametrize(("name", "country"), [("Berlin", "Germany"), ("Берлин", "Германия")])
async def test_the_sandbox_returns_complete_places_and_forecasts(
    weather: OpenMeteoClient, name: str, country: str
) -> None:
    (place,) = await weather.search_places(name)
    assert (place.name, place.country, place.timezone) == (name, country, "Europe/Berlin")

    forecast = await weather.get_forecast(place, TODAY)
    days = list(forecast.days)
    assert [day.date for day in days] == [
        TODAY + timedelta(days=ahead) for ahead in range(FORECAST_DAYS)
    ]
    assert None not in {value for day in days for value in day}
    assert forecast.current is not None
    assert None not in dict(forecast.current).values()
    assert forecast.source == SOURCE


async def test_a_search_without_a_match_returns_no_place(weather: OpenMeteoClient) -> None:
    assert await weather.search_places("x") == ()
