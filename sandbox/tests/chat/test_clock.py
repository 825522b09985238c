"""The clock on the chat page: shown, moved, and seen in the times of messages."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import pytest
import structlog

from sandbox.chat import suite_clock
from sandbox.telegram.telegram_state import TelegramState
from sandbox.tests.chat.fake_rest_service import (
    SERVICE_TOKEN,
    FakeRestService,
    run_fake_rest_service,
)
from sandbox.tests.chat.test_event_stream import open_stream
from sandbox.tests.sandbox_harness import ALICE, BOB, CHAT_TOKEN, SandboxHarness, run_sandbox
from smart_kit.contracts.clock import ClockMove, ClockRead

DAY_SECONDS = 86_400
TOLERANCE = timedelta(seconds=60)


@pytest.fixture
async def rest() -> AsyncIterator[FakeRestService]:
    async with run_fake_rest_service() as fake:
        yield fake


@pytest.fixture
async def moving_sandbox(
    rest: FakeRestService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SandboxHarness]:
    """A sandbox whose clock can be moved. It asks for the clock only when the page does."""
    monkeypatch.setattr(suite_clock, "POLL_SECONDS", 3600)
    async with run_sandbox(tmp_path, **make_settings(rest)) as sandbox:
        yield sandbox


def make_settings(rest: FakeRestService) -> dict[str, Any]:
    return {
        "sandbox_clock": True,
        "rest_service_url": rest.url,
        "service_api_token": SERVICE_TOKEN,
    }


async def get_clock(sandbox: SandboxHarness, person: int = ALICE) -> dict[str, Any]:
    shown: dict[str, Any] = await sandbox.call_chat_api("GET", f"/chat/{person}/clock")
    return shown


async def move(sandbox: SandboxHarness, **body: object) -> dict[str, Any]:
    moved: dict[str, Any] = await sandbox.call_chat_api("POST", "/chat/clock", **body)
    return moved


async def move_refused(sandbox: SandboxHarness, **body: object) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {CHAT_TOKEN}"}
    url = f"{sandbox.url}/chat/clock"
    async with sandbox.http.post(url, json=body, headers=headers) as response:
        return response.status, (await response.json())["detail"]


def assert_is_about(shown: str, ahead: timedelta) -> None:
    assert abs(datetime.fromisoformat(shown) - datetime.now(UTC) - ahead) < TOLERANCE


async def test_page_without_a_movable_clock_shows_none(sandbox: SandboxHarness) -> None:
    assert await get_clock(sandbox) == {"now": None, "offset_seconds": 0, "timezone": None}
    status, detail = await move_refused(sandbox, advance_seconds=60)
    assert (status, "SANDBOX_CLOCK" in detail) == (404, True)


@pytest.mark.parametrize("missing", ["sandbox_clock", "service_api_token"])
async def test_clock_needs_the_setting_and_the_token(
    rest: FakeRestService, tmp_path: Path, missing: str
) -> None:
    settings = make_settings(rest)
    del settings[missing]
    async with run_sandbox(tmp_path, **settings) as sandbox:
        assert (await get_clock(sandbox))["now"] is None


async def test_clock_is_shown_in_the_time_zone_of_the_person(
    moving_sandbox: SandboxHarness, rest: FakeRestService
) -> None:
    rest.offset_seconds, rest.timezones = DAY_SECONDS, {ALICE: "Asia/Tokyo"}

    alice, bob = await get_clock(moving_sandbox), await get_clock(moving_sandbox, BOB)

    assert (alice["timezone"], bob["timezone"]) == ("Asia/Tokyo", None)
    assert alice["offset_seconds"] == DAY_SECONDS
    assert_is_about(alice["now"], timedelta(days=1))


async def test_clock_is_moved_by_seconds_and_to_a_local_time(
    moving_sandbox: SandboxHarness, rest: FakeRestService
) -> None:
    moved = await move(moving_sandbox, advance_seconds=DAY_SECONDS)
    assert moved["offset_seconds"] == DAY_SECONDS
    assert_is_about(moved["now"], timedelta(days=1))

    await move(moving_sandbox, local_time="2042-03-30T09:00", timezone="Europe/Berlin")
    assert rest.moves == [{"advance_seconds": DAY_SECONDS}, {"now": "2042-03-30T07:00:00Z"}]


async def test_local_time_that_occurs_again_is_reached_in_its_second_pass(
    moving_sandbox: SandboxHarness, rest: FakeRestService
) -> None:
    """Berlin repeats the hour from two to three on this day."""
    for _ in range(2):
        await move(moving_sandbox, local_time="2042-10-26T02:30", timezone="Europe/Berlin")

    assert rest.moves == [{"now": "2042-10-26T00:30:00Z"}, {"now": "2042-10-26T01:30:00Z"}]


class StaleClient:
    """Answers a read from before the move that is made meanwhile."""

    def __init__(self) -> None:
        self.move: Callable[[], Awaitable[None]] = AsyncMock()

    async def call(self, method: str, *_: object, **__: object) -> ClockRead:
        if method == "POST":
            return ClockRead(now=datetime.now(UTC), offset_seconds=DAY_SECONDS)
        await self.move()
        return ClockRead(now=datetime.now(UTC), offset_seconds=0)


async def test_answer_from_before_a_move_does_not_take_the_clock_back(tmp_path: Path) -> None:
    client, state = StaleClient(), TelegramState(tmp_path, "1:token")
    clock = suite_clock.SuiteClock(state, client)  # type: ignore[arg-type]
    client.move = partial(clock.move, ClockMove(advance_seconds=DAY_SECONDS))
    await clock.refresh()

    assert state.clock.offset == timedelta(days=1)


@pytest.mark.parametrize("person", ["9" * 30, "9" * 5000, "\u0667"])
async def test_impossible_person_is_not_found(sandbox: SandboxHarness, person: str) -> None:
    headers = {"Authorization": f"Bearer {CHAT_TOKEN}"}
    url = f"{sandbox.url}/chat/{person}/clock"
    async with sandbox.http.get(url, headers=headers) as response:
        assert response.status == 404


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        ({"advance_seconds": -60}, 409, "The clock cannot go back."),
        ({"local_time": "2020-01-01T09:00"}, 409, "The clock cannot go back."),
        ({}, 400, "Give exactly one of advance_seconds and local_time"),
        ({"advance_seconds": 1, "local_time": "2042-01-01T09:00"}, 400, "Give exactly one"),
        ({"local_time": "2042-01-01T09:00", "timezone": "Moon/Sea"}, 400, "timezone: Value error"),
        ({"local_time": "2042-01-01T09:00+01:00"}, 400, "local_time: Input should not have time"),
    ],
)
async def test_impossible_move_has_a_readable_detail(
    moving_sandbox: SandboxHarness, body: dict[str, Any], status: int, detail: str
) -> None:
    refused = await move_refused(moving_sandbox, **body)

    assert refused[0] == status
    assert refused[1].startswith(detail)


async def test_messages_show_the_time_of_the_clock_when_they_were_sent(
    moving_sandbox: SandboxHarness,
) -> None:
    """The bot gets real times, as from Telegram."""
    before = await moving_sandbox.say("remind me tomorrow")
    await move(moving_sandbox, advance_seconds=DAY_SECONDS)
    sent = await moving_sandbox.call_bot_api("sendMessage", chat_id=ALICE, text="reminder")

    question, reminder = await moving_sandbox.list_messages()
    assert question["date"] == before["date"]
    assert DAY_SECONDS <= reminder["date"] - question["date"] < DAY_SECONDS + 60
    assert sent["date"] == reminder["date"] - DAY_SECONDS


async def test_moved_clock_survives_a_restart_without_rest_service(
    rest: FakeRestService, tmp_path: Path
) -> None:
    async with run_sandbox(tmp_path, **make_settings(rest)) as sandbox:
        await move(sandbox, advance_seconds=DAY_SECONDS)
    rest.is_down = True
    with structlog.testing.capture_logs() as lines:
        async with run_sandbox(tmp_path, **make_settings(rest)) as sandbox:
            shown = await get_clock(sandbox)
            assert lines == [], "rest_service starts after the sandbox"
            for _ in range(suite_clock.FAILURES_AT_START):
                await get_clock(sandbox)

    assert shown["offset_seconds"] == DAY_SECONDS
    assert [line["event"] for line in lines] == ["clock unavailable"]


async def test_outage_of_rest_service_is_logged_once(
    moving_sandbox: SandboxHarness, rest: FakeRestService
) -> None:
    await get_clock(moving_sandbox)
    rest.is_down = True
    with structlog.testing.capture_logs() as lines:
        for _ in range(2):
            assert (await get_clock(moving_sandbox))["now"]

    assert [line["event"] for line in lines] == ["clock unavailable"]


async def test_move_fails_while_rest_service_is_unavailable(
    moving_sandbox: SandboxHarness, rest: FakeRestService
) -> None:
    rest.is_down = True

    refused = await move_refused(moving_sandbox, advance_seconds=60)

    assert refused == (503, "rest_service: Postgres is away")


async def test_move_through_the_api_is_announced_to_the_page(
    rest: FakeRestService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suite_clock, "POLL_SECONDS", 0.01)
    async with (
        run_sandbox(tmp_path, **make_settings(rest)) as sandbox,
        open_stream(sandbox) as live,
    ):
        rest.offset_seconds = DAY_SECONDS
        async with asyncio.timeout(60):
            assert await live.next_event() == ("clock", {"person_id": None})
        assert (await get_clock(sandbox))["offset_seconds"] == DAY_SECONDS
