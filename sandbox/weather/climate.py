"""Weather that is made up: plausible for latitude and season, the same whenever one asks."""

import math
from dataclasses import dataclass
from datetime import date, datetime
from random import Random

SOURCE = "the sandbox, which makes its weather up"

_WARMEST_DAY = 200
"""Of the year, in the north; half a year later in the south."""

_DRY = (0, 1, 2, 2, 3, 3, 3, 45)
_COLD = (71, 73, 75, 85)
_MILD = (51, 53, 61, 61, 63, 65, 80)
_HOT = (61, 80, 81, 95)
_DRY_SHARE = 0.6
_MOST_MM = {51: 0.8, 53: 2, 61: 3, 63: 9, 65: 20, 71: 2, 73: 6, 75: 12, 80: 4, 81: 9, 85: 3, 95: 18}


@dataclass(frozen=True)
class DayWeather:
    """Degrees Celsius, mm, percent, km/h; the code is WMO's."""

    code: int
    warmest: float
    coldest: float
    precipitation: float
    chance: int
    wind: float


def weather_on(latitude: float, longitude: float, day: date) -> DayWeather:
    """The weather of a place on a day."""
    dice = Random(f"{latitude:.2f} {longitude:.2f} {day}")  # noqa: S311 # weather is no secret
    middle = _mean(latitude, day) + dice.uniform(-4, 4)
    half = dice.uniform(2, 5)
    is_dry = dice.random() < _DRY_SHARE
    code = dice.choice(_DRY if is_dry else _wet(middle))
    most = _MOST_MM.get(code, 0.0)
    return DayWeather(
        code=code,
        warmest=round(middle + half, 1),
        coldest=round(middle - half, 1),
        precipitation=round(dice.uniform(0.3, 1) * most, 1),
        chance=dice.randrange(0, 20) if is_dry else dice.randrange(55, 100),
        wind=round(dice.uniform(4, 38), 1),
    )


def temperature_at(weather: DayWeather, moment: datetime) -> float:
    """The temperature at a local time: coldest at 3, warmest at 15 o'clock."""
    hour = moment.hour + moment.minute / 60
    share = (1 - math.cos((hour - 3) / 24 * math.tau)) / 2
    return round(weather.coldest + share * (weather.warmest - weather.coldest), 1)


def _mean(latitude: float, day: date) -> float:
    """What is usual there at that time of the year."""
    warmest_day = _WARMEST_DAY if latitude >= 0 else _WARMEST_DAY + 182
    season = math.cos((day.timetuple().tm_yday - warmest_day) / 365 * math.tau)
    return 27 - 0.006 * latitude**2 + 0.2 * abs(latitude) * season


def _wet(middle: float) -> tuple[int, ...]:
    if middle < 0:
        return _COLD
    return _MILD if middle < 18 else _HOT
