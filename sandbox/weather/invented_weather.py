"""Invented weather: plausible for latitude and season, and the same for equal place and day."""

import math
from dataclasses import dataclass
from datetime import date, datetime
from random import Random

SOURCE = "the sandbox, with invented weather"

_WARMEST_DAY_OF_YEAR = 200
"""Day of the year on the northern hemisphere; half a year later on the southern."""

# Weather codes with their maximal precipitation in mm; a code that comes twice is likelier.
_DRY = ((0, 0), (1, 0), (2, 0), (2, 0), (3, 0), (3, 0), (3, 0), (45, 0))
_COLD = ((71, 2), (73, 6), (75, 12), (85, 3))
_MILD = ((51, 0.8), (53, 2), (61, 3), (61, 3), (63, 9), (65, 20), (80, 4))
_HOT = ((61, 3), (80, 4), (81, 9), (95, 18))
_DRY_PROBABILITY = 0.6


@dataclass(frozen=True)
class DayWeather:
    """Weather of one day in °C, mm, percent and km/h, with a WMO weather code."""

    code: int
    max_temperature: float
    min_temperature: float
    precipitation: float
    precipitation_probability: int
    wind_speed: float


def weather_on(latitude: float, longitude: float, day: date) -> DayWeather:
    """Return the weather of a place on a day."""
    dice = Random(f"{latitude:.2f} {longitude:.2f} {day}")  # noqa: S311 # weather is no secret
    middle = _mean_temperature(latitude, day) + dice.uniform(-4, 4)
    half = dice.uniform(2, 5)
    is_dry = dice.random() < _DRY_PROBABILITY
    wet = _COLD if middle < 0 else _MILD if middle < 18 else _HOT
    code, max_precipitation = dice.choice(_DRY if is_dry else wet)
    return DayWeather(
        code=code,
        max_temperature=round(middle + half, 1),
        min_temperature=round(middle - half, 1),
        precipitation=round(dice.uniform(0.3, 1) * max_precipitation, 1),
        precipitation_probability=dice.randrange(0, 20) if is_dry else dice.randrange(55, 100),
        wind_speed=round(dice.uniform(4, 38), 1),
    )


def temperature_at(weather: DayWeather, moment: datetime) -> float:
    """Return the temperature at a local time: coldest at 3:00, warmest at 15:00."""
    hour = moment.hour + moment.minute / 60
    share = (1 - math.cos((hour - 3) / 24 * math.tau)) / 2
    span = weather.max_temperature - weather.min_temperature
    return round(weather.min_temperature + share * span, 1)


def _mean_temperature(latitude: float, day: date) -> float:
    """Return the usual temperature of a latitude on a day of the year."""
    warmest_day = _WARMEST_DAY_OF_YEAR if latitude >= 0 else _WARMEST_DAY_OF_YEAR + 182
    season = math.cos((day.timetuple().tm_yday - warmest_day) / 365 * math.tau)
    return 27 - 0.006 * latitude**2 + 0.2 * abs(latitude) * season
