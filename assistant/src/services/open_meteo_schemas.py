"""Responses of Open-Meteo: places and their weather."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Annotated, NamedTuple, Self

from pydantic import AfterValidator, model_validator

from smart_kit.contracts.base import Contract
from smart_kit.settings import TimeZoneName

MAX_LABEL_CHARACTERS = 100

Label = Annotated[str, AfterValidator(lambda text: " ".join(text.split())[:MAX_LABEL_CHARACTERS])]
"""An untrusted name, as one short line."""


class Place(Contract, allow_inf_nan=False):
    """One result of a search."""

    name: Label
    latitude: float
    longitude: float
    timezone: TimeZoneName
    admin1: Label | None = None
    """State or region."""
    admin2: Label | None = None
    country: Label | None = None
    country_code: Label | None = None

    @property
    def label(self) -> str:
        """A name such as “Paris, Île-de-France, France”."""
        parts = (self.name, self.admin1, self.country)
        return ", ".join(dict.fromkeys(part for part in parts if part))


class CurrentWeather(Contract, allow_inf_nan=False):
    """The current weather in °C and km/h; any value may be missing."""

    time: datetime
    """Local time without an offset."""
    temperature_2m: float | None = None
    apparent_temperature: float | None = None
    weather_code: int | None = None
    wind_speed_10m: float | None = None


class DayForecast(NamedTuple):
    """The weather of a day in °C, km/h and mm; the chance of precipitation in percent."""

    date: date
    weather_code: int | None
    warmest: float | None
    coldest: float | None
    precipitation: float | None
    chance: float | None
    wind: float | None


class DailySeries(Contract):
    """The days, as parallel arrays."""

    time: tuple[date, ...]
    weather_code: tuple[int | None, ...]
    temperature_2m_max: tuple[float | None, ...]
    temperature_2m_min: tuple[float | None, ...]
    precipitation_sum: tuple[float | None, ...]
    precipitation_probability_max: tuple[float | None, ...]
    wind_speed_10m_max: tuple[float | None, ...]

    @model_validator(mode="after")
    def _check_equal_lengths(self) -> Self:
        if len({len(values) for _, values in self}) > 1:
            raise ValueError("the arrays are not equally long")
        return self


class Forecast(Contract):
    """The current weather and the forecast of a place."""

    current: CurrentWeather | None = None
    daily: DailySeries
    source: Label = "Open-Meteo.com (CC BY 4.0)"
    """Open-Meteo does not send it; the sandbox names itself here."""

    @property
    def days(self) -> Iterator[DayForecast]:
        """The days in their order."""
        daily = self.daily
        return map(
            DayForecast,
            daily.time,
            daily.weather_code,
            daily.temperature_2m_max,
            daily.temperature_2m_min,
            daily.precipitation_sum,
            daily.precipitation_probability_max,
            daily.wind_speed_10m_max,
        )
