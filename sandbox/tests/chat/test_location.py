"""Locations that a person sends to the bot."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from sandbox.tests.sandbox_harness import ALICE, CHAT_TOKEN, SandboxHarness, run_sandbox

LISBON = {"latitude": 38.72, "longitude": -9.13}


async def test_location_becomes_an_update_without_a_text(sandbox: SandboxHarness) -> None:
    sent = await sandbox.call_chat_api("POST", f"/chat/{ALICE}/location", **LISBON)

    (update,) = await sandbox.call_bot_api("getUpdates")
    message = update["message"]
    assert (message["message_id"], message["location"]) == (sent["message_id"], LISBON)
    assert "text" not in message


async def test_location_is_shown_on_the_page(sandbox: SandboxHarness) -> None:
    await sandbox.call_chat_api("POST", f"/chat/{ALICE}/location", **LISBON)
    await sandbox.say("I live here")

    shown, text = await sandbox.list_messages()
    assert (shown["from"], shown["text"], shown["location"]) == ("person", "", LISBON)
    assert text["location"] is None


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"latitude": 91, "longitude": 0}, "latitude: Input should be less than or equal to 90"),
        ({"latitude": 0, "longitude": -181}, "longitude: Input should be greater than or equal"),
        ({"latitude": 0}, "longitude: Field required"),
    ],
)
async def test_impossible_location_is_refused(
    sandbox: SandboxHarness, body: dict[str, Any], detail: str
) -> None:
    url, headers = f"{sandbox.url}/chat/{ALICE}/location", {"Authorization": f"Bearer {CHAT_TOKEN}"}
    async with sandbox.http.post(url, json=body, headers=headers) as response:
        assert response.status == 400
        assert (await response.json())["detail"].startswith(detail)
    assert await sandbox.list_messages() == []


@pytest.mark.parametrize(
    ("language", "name", "country"),
    [("en", "Lisbon", "Portugal"), ("ru", "Лиссабон", "Португалия")],
)
async def test_places_are_listed_in_both_languages(
    sandbox: SandboxHarness, language: str, name: str, country: str
) -> None:
    places = (await sandbox.call_chat_api("GET", f"/chat/places?language={language}"))["items"]

    (lisbon,) = [place for place in places if place["name"] == name]
    assert lisbon == {"name": name, "admin1": name, "country": country, **LISBON}


async def test_chats_of_an_earlier_version_are_kept(tmp_path: Path) -> None:
    """Its messages had neither a location nor the offset of a clock."""
    async with run_sandbox(tmp_path) as sandbox:
        earlier = await sandbox.say("hello")
    with sqlite3.connect(tmp_path / "sandbox" / "telegram.sqlite3") as database:
        for column in ("location", "clock_offset"):
            database.execute(f"ALTER TABLE message DROP COLUMN {column}")
    database.close()

    async with run_sandbox(tmp_path) as sandbox:
        assert await sandbox.list_messages() == [earlier]
        await sandbox.call_chat_api("POST", f"/chat/{ALICE}/location", **LISBON)
