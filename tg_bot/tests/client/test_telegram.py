"""The error for each failure of the Bot API, on a real socket."""

import socket
import traceback
from collections.abc import Iterator

import aiohttp
import pytest

from smart_kit.testing.fake_telegram import TOKEN, FakeTelegram, ScriptedApiResponse, make_api_error
from smart_kit.testing.ports import free_port
from tg_bot.src.client.errors import (
    TELEGRAM_ERRORS,
    EntityParseError,
    MessageTooLong,
    MethodNotFound,
    TelegramBadRequest,
    TelegramConflict,
    TelegramForbidden,
    TelegramOutcomeUnknown,
    TelegramRejected,
    TelegramRetryAfter,
    TelegramUnauthorized,
    TelegramUnavailable,
)
from tg_bot.src.client.telegram import TelegramClient
from tg_bot.src.config.settings import TgBotSettings

HTML = "<html><h1>502 Bad Gateway</h1></html>"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (make_api_error(400, "Bad Request: chat not found"), TelegramBadRequest),
        (make_api_error(400, "Bad Request: can't parse entities: oops"), EntityParseError),
        (make_api_error(400, "Bad Request: entity beginning at UTF-16 offset 3"), EntityParseError),
        (make_api_error(400, "Bad Request: can't parse MessageEntity: x"), EntityParseError),
        (make_api_error(400, "Bad Request: message is too long"), MessageTooLong),
        (make_api_error(400, "Bad Request: MESSAGE_TOO_LONG"), MessageTooLong),
        (make_api_error(401, "Unauthorized"), TelegramUnauthorized),
        (make_api_error(403, "Forbidden: bot was blocked by the user"), TelegramForbidden),
        (make_api_error(404, "Not Found"), TelegramUnauthorized),
        (make_api_error(404, "Not Found: method not found"), MethodNotFound),
        (make_api_error(409, "Conflict: terminated by other getUpdates request"), TelegramConflict),
        (make_api_error(418, "Teapot"), TelegramRejected),
        (
            make_api_error(429, "Too Many Requests: retry after 7", retry_after=7),
            TelegramRetryAfter,
        ),
        (make_api_error(500, "Internal Server Error: restart"), TelegramUnavailable),
        (ScriptedApiResponse(502, HTML), TelegramUnavailable),
        (ScriptedApiResponse(403, HTML), TelegramUnavailable),
        (
            ScriptedApiResponse(301, HTML, {"Location": "https://elsewhere.example/"}),
            TelegramUnavailable,
        ),
        (ScriptedApiResponse(413, HTML), TelegramBadRequest),
        (ScriptedApiResponse(429, HTML), TelegramRetryAfter),
        (ScriptedApiResponse(200, HTML), TelegramOutcomeUnknown),
        (ScriptedApiResponse(200, {"nothing": "of the Bot API"}), TelegramOutcomeUnknown),
        (ScriptedApiResponse(disconnect="before"), TelegramOutcomeUnknown),
        (ScriptedApiResponse(disconnect="after"), TelegramOutcomeUnknown),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
async def test_each_failure_raises_its_error_type(
    client: TelegramClient,
    telegram: FakeTelegram,
    answer: ScriptedApiResponse,
    error: type[Exception],
) -> None:
    telegram.script_responses("sendMessage", answer)
    with pytest.raises(TELEGRAM_ERRORS) as raised:
        await client.send_message(1, "hello")
    assert type(raised.value) is error


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (make_api_error(429, "Too Many Requests", retry_after=7), 7.0),
        (ScriptedApiResponse(429, {"ok": False, "error_code": 429}, {"Retry-After": "3"}), 3.0),
        (ScriptedApiResponse(429, HTML, {"Retry-After": "11"}), 11.0),
        (make_api_error(429, "Too Many Requests", retry_after="soon"), 5.0),
        (make_api_error(429, "Too Many Requests", retry_after=-1), 5.0),
        (make_api_error(429, "Too Many Requests"), 5.0),
    ],
)
async def test_retry_after_is_read_from_the_response(
    client: TelegramClient, telegram: FakeTelegram, answer: ScriptedApiResponse, seconds: float
) -> None:
    telegram.script_responses("sendMessage", answer)
    with pytest.raises(TelegramRetryAfter) as raised:
        await client.send_message(1, "hello")
    assert raised.value.seconds == seconds


@pytest.mark.parametrize("status", [307, 308])
async def test_redirects_are_not_followed(
    client: TelegramClient, telegram: FakeTelegram, status: int
) -> None:
    elsewhere = f"{telegram.url}/elsewhere/bot{TOKEN}/sendMessage"
    telegram.script_responses(
        "sendMessage", ScriptedApiResponse(status, HTML, {"Location": elsewhere})
    )
    with pytest.raises(TelegramUnavailable):
        await client.send_message(1, "hello")
    assert [call.path_prefix for call in telegram.calls] == [""]


async def test_refused_connection_raises_unavailable(settings: TgBotSettings) -> None:
    nowhere = settings.model_copy(update={"telegram_api_url": f"http://127.0.0.1:{free_port()}"})
    async with TelegramClient(nowhere) as client:
        with pytest.raises(TelegramUnavailable) as raised:
            await client.get_me()
    assert type(raised.value) is TelegramUnavailable
    assert "127.0.0.1" in raised.value.message


async def test_requests_go_through_the_proxy_of_the_environment(
    settings: TgBotSettings, telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_netrc() -> None:
        raise AssertionError("~/.netrc is read with each request")

    monkeypatch.setattr(aiohttp.client, "netrc_from_env", read_netrc)
    for name in ("NO_PROXY", "no_proxy", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", telegram.url)
    elsewhere = settings.model_copy(update={"telegram_api_url": "http://telegram.example"})
    async with TelegramClient(elsewhere) as client:
        assert await client.send_message(1, "hello") == 1
    assert [call.method for call in telegram.calls] == ["sendMessage"]


async def test_message_has_no_link_preview_and_no_unset_parameters(
    client: TelegramClient, telegram: FakeTelegram
) -> None:
    assert await client.send_message(1, "hello") == 1
    assert telegram.calls[-1].parameters == {
        "chat_id": 1,
        "text": "hello",
        "link_preview_options": {"is_disabled": True},
    }


async def test_poll_requests_the_allowed_updates(
    client: TelegramClient, telegram: FakeTelegram
) -> None:
    telegram.push({"update_id": 5})
    assert await client.get_updates(5) == [{"update_id": 5}]
    assert telegram.calls[-1].parameters == {
        "offset": 5,
        "timeout": 25,
        "allowed_updates": [
            "message",
            "callback_query",
            "my_chat_member",
            "stopped_message_generation",
        ],
    }


@pytest.mark.parametrize("method", ["getMe", "getUpdates"])
async def test_result_of_the_wrong_shape_raises_unavailable(
    client: TelegramClient, telegram: FakeTelegram, method: str
) -> None:
    telegram.script_responses(method, ScriptedApiResponse(200, {"ok": True, "result": "what?"}))
    with pytest.raises(TelegramUnavailable):
        await (client.get_me() if method == "getMe" else client.get_updates(None))


@pytest.fixture
def full_port() -> Iterator[int]:
    """A port with a full backlog, so that a new connection hangs."""
    with socket.socket() as server, socket.socket() as first, socket.socket() as second:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        yield server.getsockname()[1]


async def test_errors_do_not_contain_the_token(
    client: TelegramClient,
    telegram: FakeTelegram,
    settings: TgBotSettings,
    full_port: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """aiohttp's own errors quote the URL with the token, for example after a time-out."""
    monkeypatch.setattr("tg_bot.src.client.telegram.CONNECT_TIMEOUT_SECONDS", 0.3)
    telegram.script_responses(
        "getMe",
        ScriptedApiResponse(disconnect="before"),
        ScriptedApiResponse(502, HTML),
        make_api_error(401, "No"),
    )
    telegram.script_responses("getUpdates", ScriptedApiResponse(delay_seconds=1))
    unreachable, full = (
        TelegramClient(settings.model_copy(update={"telegram_api_url": f"http://127.0.0.1:{port}"}))
        for port in (free_port(), full_port)
    )
    async with unreachable, full:
        failing = [client.get_me(), client.get_me(), client.get_me(), unreachable.get_me()]
        failing += [
            full.get_me(),
            client._make_request("getUpdates", response_timeout_seconds=0.05),
        ]
        for call in failing:
            with pytest.raises(TELEGRAM_ERRORS) as raised:
                await call
            assert TOKEN not in "".join(traceback.format_exception(raised.value))


async def test_connection_timeout_raises_unavailable(
    settings: TgBotSettings, full_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tg_bot.src.client.telegram.CONNECT_TIMEOUT_SECONDS", 0.3)
    full = settings.model_copy(update={"telegram_api_url": f"http://127.0.0.1:{full_port}"})
    async with TelegramClient(full) as client:
        with pytest.raises(TelegramUnavailable) as raised:
            await client.send_message(1, "hello")
    assert type(raised.value) is TelegramUnavailable
