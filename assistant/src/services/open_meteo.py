"""Client of Open-Meteo: finds places by name and their weather (https://open-meteo.com/en/docs).

Responses are cached in this process and not in Redis: they are cheap to fetch again, while Redis
holds messages and therefore syncs each write to the disk and never evicts.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Hashable
from datetime import date, timedelta
from typing import Any, Generic, TypeVar
from weakref import WeakValueDictionary

import httpx2
from pydantic import BaseModel, ValidationError

from smart_kit.contracts.base import Contract, JsonObject
from smart_kit.errors import UpstreamRejected, UpstreamUnavailable
from smart_kit.proxied_transport import ProxiedTransport
from smart_kit.rest_client.httpx2_transport import TRANSPORT_ERRORS

from .open_meteo_schemas import CurrentWeather, DailySeries, Forecast, Place

SEARCH_URL = "https://geocoding-api.open-meteo.com"
FORECAST_URL = "https://api.open-meteo.com"

FORECAST_DAYS = 7
"""Always requested, so that one cached forecast serves every request for a place."""

_CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)

KeyT = TypeVar("KeyT", bound=Hashable)
ValueT = TypeVar("ValueT")
ModelT = TypeVar("ModelT", bound=BaseModel)


class TtlCache(Generic[KeyT, ValueT]):
    """Drops the oldest entry when full. Errors and empty values are not stored."""

    def __init__(
        self, ttl_seconds: float, max_entries: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ttl_seconds = ttl_seconds
        self._max_entries = max_entries
        self._clock = clock
        self._entries: dict[KeyT, tuple[float, ValueT]] = {}
        self._locks: WeakValueDictionary[KeyT, asyncio.Lock] = WeakValueDictionary()

    async def get_or_load(self, key: KeyT, load: Callable[[], Awaitable[ValueT]]) -> ValueT:
        """Return the stored value, else load it; parallel calls for one key share one load."""
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            if key in self._entries and self._clock() < self._entries[key][0]:
                return self._entries[key][1]
            value = await load()
            if value:
                self._entries.pop(key, None)
                if len(self._entries) >= self._max_entries:
                    del self._entries[next(iter(self._entries))]
                self._entries[key] = (self._clock() + self._ttl_seconds, value)
            return value


class _SearchResponse(Contract):
    results: tuple[JsonObject, ...] = ()
    """Open-Meteo omits the key if nothing was found."""


class OpenMeteoClient:
    """Its methods raise UpstreamUnavailable if Open-Meteo does not answer or limits requests
    (status 429), else UpstreamRejected."""

    def __init__(
        self, url: str | None = None, transport: httpx2.AsyncBaseTransport | None = None
    ) -> None:
        """`url` is a server with both paths, in place of Open-Meteo's two."""
        self._search_url = f"{(url or SEARCH_URL).rstrip('/')}/v1/search"
        self._forecast_url = f"{(url or FORECAST_URL).rstrip('/')}/v1/forecast"
        self._http = httpx2.AsyncClient(
            timeout=httpx2.Timeout(8.0, connect=3.0),
            transport=transport or ProxiedTransport(),
        )
        self._places = TtlCache[str, tuple[Place, ...]](30 * 86_400, max_entries=1_000)
        self._forecasts = TtlCache[tuple[float, float, date], Forecast](15 * 60, max_entries=500)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def search_places(self, name: str) -> tuple[Place, ...]:
        """Return the places of this name, the most important first.

        Open-Meteo finds a name only in the language of the request, which the script decides.
        """

        async def search() -> tuple[Place, ...]:
            language = "ru" if _CYRILLIC.search(name) else "en"
            params = {"name": name, "count": 20, "language": language, "format": "json"}
            found = await self._get(self._search_url, params, _SearchResponse)
            return tuple(place for result in found.results if (place := _parse_place(result)))

        return await self._places.get_or_load(name.casefold(), search)

    async def get_forecast(self, place: Place, first_day: date) -> Forecast:
        """Return the weather of FORECAST_DAYS days from this one on."""

        async def fetch() -> Forecast:
            params = {
                "latitude": place.latitude,
                "longitude": place.longitude,
                "timezone": place.timezone,
                "start_date": first_day.isoformat(),
                "end_date": (first_day + timedelta(days=FORECAST_DAYS - 1)).isoformat(),
                "current": ",".join(_list_variables(CurrentWeather)),
                "daily": ",".join(_list_variables(DailySeries)),
            }
            return await self._get(self._forecast_url, params, Forecast)

        return await self._forecasts.get_or_load(
            (place.latitude, place.longitude, first_day), fetch
        )

    async def _get(self, url: str, params: dict[str, Any], response_type: type[ModelT]) -> ModelT:
        try:
            response = await self._http.get(url, params=params)
        except TRANSPORT_ERRORS as error:
            raise UpstreamUnavailable(f"weather: {str(error) or type(error).__name__}") from error
        status = response.status_code
        if status == 429 or status >= 500:
            raise UpstreamUnavailable(f"weather: HTTP {status}", status=status)
        if not response.is_success:
            raise UpstreamRejected(f"weather: HTTP {status}: {response.text[:200]}", status=status)
        try:
            return response_type.model_validate_json(response.content)
        except ValidationError as error:
            reason = f"weather: the response is no {response_type.__name__}"
            raise UpstreamRejected(reason) from error


def _parse_place(result: JsonObject) -> Place | None:
    """Return the place; None: coordinates or time zone are missing."""
    try:
        return Place.model_validate(result)
    except ValidationError:
        return None


def _list_variables(schema: type[BaseModel]) -> list[str]:
    """Return the names of the variables to request; the time needs no request."""
    return [name for name in schema.model_fields if name != "time"]
