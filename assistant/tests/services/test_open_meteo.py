"""Which servers are called for places and weather."""

from datetime import date

import httpx2
import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from assistant.src.services.open_meteo import OpenMeteoClient
from assistant.src.services.open_meteo_schemas import Place
from assistant.tests.fake_open_meteo import PARIS, FakeOpenMeteo


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


async def test_requests_go_through_the_proxy_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hosts: list[str] = []

    async def respond(request: web.BaseRequest) -> web.Response:
        hosts.append(request.host)
        return web.json_response({"results": []})

    monkeypatch.setenv("ALL_PROXY", "socks5://proxy.lan:1080")  # it cannot be used
    async with RawTestServer(respond) as proxy:
        monkeypatch.setenv("HTTP_PROXY", str(proxy.make_url("")))
        weather = OpenMeteoClient("http://weather.example/")
        assert await weather.search_places("Paris") == ()
        await weather.close()

    assert hosts == ["weather.example"]


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        (
            None,
            [
                "https://geocoding-api.open-meteo.com/v1/search",
                "https://api.open-meteo.com/v1/forecast",
            ],
        ),
        (
            "http://127.0.0.1:8080/weather/",
            [
                "http://127.0.0.1:8080/weather/v1/search",
                "http://127.0.0.1:8080/weather/v1/forecast",
            ],
        ),
    ],
)
async def test_configured_address_replaces_both_servers_of_open_meteo(
    url: str | None, asked: list[str]
) -> None:
    fake_open_meteo = FakeOpenMeteo()
    weather = OpenMeteoClient(url, httpx2.MockTransport(fake_open_meteo))
    await weather.search_places("Paris")
    await weather.get_forecast(Place.model_validate(PARIS), date(2026, 11, 21))
    await weather.close()

    assert [str(one.url).partition("?")[0] for one in fake_open_meteo.requests] == asked
