"""A fake of Open-Meteo with a few places and one forecast."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import httpx2


def make_place(name: str, zone: str, *, at: tuple[float, float] = (1.0, 2.0), **more: str) -> dict:
    """Return a result of a search."""
    return {"name": name, "timezone": zone, "latitude": at[0], "longitude": at[1], **more}


BERLIN = make_place("Berlin", "Europe/Berlin", admin1="State of Berlin", country="Germany")
PARIS = make_place(
    "Paris", "Europe/Paris", admin1="Île-de-France", country="France", country_code="FR"
)
PARIS_TEXAS = make_place(
    "Paris",
    "America/Chicago",
    at=(33.66, -95.55),
    admin1="Texas",
    admin2="Lamar",
    country="United States",
    country_code="US",
)
MOSCOW = make_place("Москва", "Europe/Moscow", country="Россия", admin1="Москва")
TOKYO = make_place("Tokyo", "Asia/Tokyo", country="Japan")


@dataclass
class FakeOpenMeteo:
    """Serves both hosts; like Open-Meteo it finds a name in one language only."""

    places: dict[tuple[str, str], list[dict[str, Any]]] = field(
        default_factory=lambda: {
            ("berlin", "en"): [BERLIN],
            ("paris", "en"): [PARIS, PARIS_TEXAS],
            ("москва", "ru"): [MOSCOW],
            ("tokyo", "en"): [TOKYO],
        }
    )
    forecast_overrides: dict[str, Any] = field(default_factory=dict)
    """Replaces keys of the forecast."""
    failure: httpx2.Response | Exception | None = None
    requests: list[httpx2.Request] = field(default_factory=list)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        if isinstance(self.failure, Exception):
            raise self.failure
        if self.failure is not None:
            return self.failure
        given = request.url.params
        if request.url.path.endswith("/v1/search"):
            found = self.places.get((given["name"].casefold(), given["language"]))
            return httpx2.Response(200, json={"results": found} if found else {})
        return httpx2.Response(
            200, json=_build_forecast(given["start_date"]) | self.forecast_overrides
        )

    def requests_to(self, path: str) -> list[dict[str, str]]:
        """Return the parameters of the requests to this path."""
        return [
            dict(request.url.params)
            for request in self.requests
            if request.url.path == path and request.method == "GET"
        ]


def _build_forecast(first_day: str) -> dict[str, Any]:
    days = [date.fromisoformat(first_day) + timedelta(days=one) for one in range(7)]
    return {
        "current": {
            "time": f"{first_day}T13:15",
            "interval": 900,
            "temperature_2m": 8.4,
            "apparent_temperature": -0.3,
            "weather_code": 2,
            "wind_speed_10m": 14.6,
        },
        "daily": {
            "time": [day.isoformat() for day in days],
            "weather_code": [61, 71, 3, 0, 0, 0, 0],
            "temperature_2m_max": [9.4, 1.0, 5, 5, 5, 5, 5],
            "temperature_2m_min": [3.6, -4.2, 0, 0, 0, 0, 0],
            "precipitation_sum": [1.2, 0.0, 0, 0, 0, 0, 0],
            "precipitation_probability_max": [60, None, 0, 0, 0, 0, 0],
            "wind_speed_10m_max": [22.1, None, 5, 5, 5, 5, 5],
        },
    }
