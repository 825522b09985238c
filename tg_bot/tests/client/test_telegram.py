"""What each failure of the Bot API is turned into, on a real socket."""

import socket
import traceback
from collections.abc import Iterator

import pytest

from smart_kit.testing.fake_telegram import TOKEN, FakeTelegram, Scripted, refusal
from smart_kit.testing.ports import free_port
from tg_bot.src.client.errors import (
    TELEGRAM_ERRORS,
    FormattingRefused,
    MessageTooLong,
    MethodUnknown,
    TelegramBadRequest,
    TelegramConflict,
    TelegramForbidden,
    TelegramRejected,
    TelegramRetryAfter,
    TelegramUnauthorized,
    TelegramUnavailable,
    TelegramUncertain,
)
from tg_bot.src.client.telegram import TelegramClient
from tg_bot.src.config.settings import TgBotSettings

HTML = "<html><h1>502 Bad Gateway</h1></html>"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusal(400, "Bad Request: chat not found"), TelegramBadRequest),
        (refusal(400, "Bad Request: can't parse entities: oops"), FormattingRefused),
        (refusal(400, "Bad Request: entity beginning at UTF-16 offset 3"), FormattingRefused),
        (refusal(400, "Bad Request: can't parse MessageEntity: x"), FormattingRefused),
        (refusal(400, "Bad Request: message is too long"), MessageTooLong),
        (refusal(400, "Bad Request: MESSAGE_TOO_LONG"), MessageTooLong),
        (refusal(401, "Unauthorized"), TelegramUnauthorized),
        (refusal(403, "Forbidden: bot was blocked by the user"), TelegramForbidden),
        (refusal(404, "Not Found"), TelegramUnauthorized),
        (refusal(404, "Not Found: method not found"), MethodUnknown),
        (refusal(409, "Conflict: terminated by other getUpdates request"), TelegramConflict),
        (refusal(418, "Teapot"), TelegramRejected),
        (refusal(429, "Too Many Requests: retry after 7", retry_after=7), TelegramRetryAfter),
        (refusal(500, "Internal Server Error: restart"), TelegramUnavailable),
        (Scripted(502, HTML), TelegramUnavailable),
        (Scripted(403, HTML), TelegramUnavailable),
        (Scripted(301, HTML, {"Location": "https://elsewhere.example/"}), TelegramUnavailable),
        (Scripted(413, HTML), TelegramBadRequest),
        (Scripted(429, HTML), TelegramRetryAfter),
        (Scripted(200, HTML), TelegramUncertain),
        (Scripted(200, {"nothing": "of the Bot API"}), TelegramUncertain),
        (Scripted(cut="before"), TelegramUncertain),
        (Scripted(cut="after"), TelegramUncertain),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
async def test_each_failure_is_the_error_that_says_what_to_do(
    client: TelegramClient, telegram: FakeTelegram, answer: Scripted, error: type[Exception]
) -> None:
    telegram.script("sendMessage", answer)
    with pytest.raises(TELEGRAM_ERRORS) as raised:
        await client.send_message(1, "hello")
    assert type(raised.value) is error


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (refusal(429, "Too Many Requests", retry_after=7), 7.0),
        (Scripted(429, {"ok": False, "error_code": 429}, {"Retry-After": "3"}), 3.0),
        (Scripted(429, HTML, {"Retry-After": "11"}), 11.0),
        (refusal(429, "Too Many Requests", retry_after="soon"), 5.0),
        (refusal(429, "Too Many Requests", retry_after=-1), 5.0),
        (refusal(429, "Too Many Requests"), 5.0),
    ],
)
async def test_the_pause_is_the_one_that_telegram_names(
    client: TelegramClient, telegram: FakeTelegram, answer: Scripted, seconds: float
) -> None:
    telegram.script("sendMessage", answer)
    with pytest.raises(TelegramRetryAfter) as raised:
        await client.send_message(1, "hello")
    assert raised.value.seconds == seconds


@pytest.mark.parametrize("status", [307, 308])
async def test_a_redirect_is_not_followed_with_the_token(
    client: TelegramClient, telegram: FakeTelegram, status: int
) -> None:
    elsewhere = f"{telegram.url}/elsewhere/bot{TOKEN}/sendMessage"
    telegram.script("sendMessage", Scripted(status, HTML, {"Location": elsewhere}))
    with pytest.raises(TelegramUnavailable):
        await client.send_message(1, "hello")
    assert [call.door for call in telegram.calls] == [""]


async def test_nothing_was_sent_where_nobody_listens(settings: TgBotSettings) -> None:
    nowhere = settings.model_copy(update={"telegram_api_url": f"http://127.0.0.1:{free_port()}"})
    async with TelegramClient(nowhere) as client:
        with pytest.raises(TelegramUnavailable) as raised:
            await client.get_me()
    assert type(raised.value) is TelegramUnavailable
    assert "127.0.0.1" in raised.value.message


async def test_a_message_goes_without_link_preview_and_unset_parameters(
    client: TelegramClient, telegram: FakeTelegram
) -> None:
    assert await client.send_message(1, "hello") == 1
    assert telegram.calls[-1].parameters == {
        "chat_id": 1,
        "text": "hello",
        "link_preview_options": {"is_disabled": True},
    }


async def test_a_poll_names_what_it_wants(client: TelegramClient, telegram: FakeTelegram) -> None:
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
async def test_an_answer_of_the_wrong_shape_is_no_answer(
    client: TelegramClient, telegram: FakeTelegram, method: str
) -> None:
    telegram.script(method, Scripted(200, {"ok": True, "result": "what?"}))
    with pytest.raises(TelegramUnavailable):
        await (client.get_me() if method == "getMe" else client.get_updates(None))


@pytest.fixture
def full_port() -> Iterator[int]:
    """A port whose queue of connections is full, so that a new one hangs."""
    with socket.socket() as server, socket.socket() as first, socket.socket() as second:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        yield server.getsockname()[1]


async def test_the_token_is_in_no_error(
    client: TelegramClient,
    telegram: FakeTelegram,
    settings: TgBotSettings,
    full_port: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """aiohttp's own errors quote the URL, and so the token, e.g. after a connection time-out."""
    monkeypatch.setattr("tg_bot.src.client.telegram.CONNECT_SECONDS", 0.3)
    telegram.script("getMe", Scripted(cut="before"), Scripted(502, HTML), refusal(401, "No"))
    telegram.script("getUpdates", Scripted(seconds=1))
    nobody, full = (
        TelegramClient(settings.model_copy(update={"telegram_api_url": f"http://127.0.0.1:{port}"}))
        for port in (free_port(), full_port)
    )
    async with nobody, full:
        failing = [client.get_me(), client.get_me(), client.get_me(), nobody.get_me()]
        failing += [full.get_me(), client._make_request("getUpdates", answer_seconds=0.05)]
        for call in failing:
            with pytest.raises(TELEGRAM_ERRORS) as raised:
                await call
            assert TOKEN not in "".join(traceback.format_exception(raised.value))


async def test_a_connection_that_never_came_about_sent_nothing(
    settings: TgBotSettings, full_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tg_bot.src.client.telegram.CONNECT_SECONDS", 0.3)
    full = settings.model_copy(update={"telegram_api_url": f"http://127.0.0.1:{full_port}"})
    async with TelegramClient(full) as client:
        with pytest.raises(TelegramUnavailable) as raised:
            await client.send_message(1, "hello")
    assert type(raised.value) is TelegramUnavailable
