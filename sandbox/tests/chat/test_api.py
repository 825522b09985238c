"""The page's JSON API, which `./manage.py chat` and the e2e tests use."""

from pathlib import Path
from typing import Any

import pytest

from sandbox.chat.user_actions import split_text
from sandbox.tests.sandbox_harness import ALICE, CHAT_TOKEN, SandboxHarness, run_sandbox


async def _post_refused(
    sandbox: SandboxHarness, path: str, body: object
) -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {CHAT_TOKEN}"}
    async with sandbox.http.post(sandbox.url + path, json=body, headers=headers) as response:
        return response.status, await response.json()


async def test_default_people_speak_both_languages(sandbox: SandboxHarness) -> None:
    people = (await sandbox.call_chat_api("GET", "/chat/people"))["items"]
    assert {"en", "ru"} <= {person["language_code"] for person in people}
    assert len({person["username"] for person in people}) == len(people)


async def test_new_person_can_send_a_message(sandbox: SandboxHarness) -> None:
    body = {"first_name": " Alice ", "language_code": "de"}
    eve = await sandbox.call_chat_api("POST", "/chat/people", **body)
    assert (eve["first_name"], eve["username"]) == ("Alice", "alice2")
    await sandbox.say("hello", eve["id"])
    (update,) = await sandbox.call_bot_api("getUpdates")
    assert update["message"]["from"] == {
        "id": eve["id"],
        "is_bot": False,
        "first_name": "Alice",
        "username": "alice2",
        "language_code": "de",
    }


async def test_text_of_a_person_becomes_an_update_with_command_entity(
    sandbox: SandboxHarness,
) -> None:
    start = await sandbox.say(" /start abc ")
    assert (start["from"], start["text"]) == ("person", "/start abc")
    (update,) = await sandbox.call_bot_api("getUpdates")
    message = update["message"]
    assert message["message_id"] == start["message_id"]
    assert message["entities"] == [{"type": "bot_command", "offset": 0, "length": 6}]


async def test_person_can_reply_to_a_message(sandbox: SandboxHarness) -> None:
    sent = await sandbox.call_bot_api("sendMessage", chat_id=ALICE, text="question")
    body = {"text": "answer", "reply_to": sent["message_id"]}
    await sandbox.call_chat_api("POST", f"/chat/{ALICE}/messages", **body)
    (update,) = await sandbox.call_bot_api("getUpdates")
    assert update["message"]["reply_to_message"]["text"] == "question"


async def test_list_returns_messages_after_the_given_id(sandbox: SandboxHarness) -> None:
    first = await sandbox.say("one")
    await sandbox.call_bot_api("sendMessage", chat_id=ALICE, text="two")
    page = await sandbox.call_chat_api("GET", f"/chat/{ALICE}/messages?after={first['message_id']}")
    assert [(item["from"], item["text"]) for item in page["items"]] == [("bot", "two")]
    assert page["typing"] is False


@pytest.mark.parametrize(
    ("path", "body", "status", "detail"),
    [
        (f"/chat/{ALICE}/messages", {"text": " \n"}, 400, "The text is empty"),
        (f"/chat/{ALICE}/messages", {}, 400, "text: Field required"),
        (f"/chat/{ALICE}/messages", {"text": "x", "reply_to": 9}, 404, "There is no message 9"),
        ("/chat/7/messages", {"text": "x"}, 404, "There is no person 7"),
        ("/chat/nobody/messages", {"text": "x"}, 404, "There is no person nobody"),
        ("/chat/people", {"first_name": ""}, 400, "first_name: String should have at least 1"),
        (f"/chat/{ALICE}/buttons", {"message_id": 9, "data": "x"}, 404, "There is no message 9"),
    ],
)
async def test_errors_have_a_readable_detail(
    sandbox: SandboxHarness, path: str, body: object, status: int, detail: str
) -> None:
    answer = await _post_refused(sandbox, path, body)
    assert answer[0] == status
    assert answer[1]["detail"].startswith(detail)
    assert await sandbox.call_bot_api("getUpdates") == []


async def test_pressing_an_unknown_button_is_refused(sandbox: SandboxHarness) -> None:
    sent = await sandbox.call_bot_api("sendMessage", chat_id=ALICE, text="x")
    body = {"message_id": sent["message_id"], "data": "forged"}
    status, answer = await _post_refused(sandbox, f"/chat/{ALICE}/buttons", body)
    assert (status, answer["detail"]) == (404, "This message has no such button")


async def test_long_text_is_split_into_several_messages(
    sandbox: SandboxHarness,
) -> None:
    long_text = " ".join(f"слово{number}" for number in range(1500))
    last = await sandbox.say(long_text)
    updates = await sandbox.call_bot_api("getUpdates")
    texts = [update["message"]["text"] for update in updates]
    assert " ".join(texts) == long_text
    assert all(len(text) <= 4096 for text in texts)
    assert updates[-1]["message"]["message_id"] == last["message_id"]


def test_split_text_keeps_characters_whole() -> None:
    pieces = split_text("🏟" * 5000)
    assert [len(piece) for piece in pieces] == [2048, 2048, 904]


@pytest.mark.parametrize(
    ("settings", "host"),
    [
        ({}, None),
        ({"openai_base_url": "http://127.0.0.1:8080/v1"}, None),
        ({"openai_base_url": "http://localhost:11434/v1"}, None),
        ({"openai_base_url": "https://models.example/v1"}, "models.example"),
        ({"openai_base_url": "https://api.openai.com/v1"}, "api.openai.com"),
    ],
)
async def test_bot_names_the_host_of_a_remote_model(
    tmp_path: Path, settings: dict[str, Any], host: str | None
) -> None:
    async with run_sandbox(tmp_path, **settings) as sandbox:
        assert (await sandbox.call_chat_api("GET", "/chat/bot"))["model_host"] == host


RICH = {"html": '<p>a <tg-button type="callback_data" data="inside">b</tg-button></p>'}


async def test_button_inside_a_rich_message_can_be_pressed(
    sandbox: SandboxHarness,
) -> None:
    sent = await sandbox.call_bot_api("sendRichMessage", chat_id=ALICE, rich_message=RICH)
    body = {"message_id": sent["message_id"], "data": "inside"}
    await sandbox.call_chat_api("POST", f"/chat/{ALICE}/buttons", **body)
    (update,) = await sandbox.call_bot_api("getUpdates")
    assert update["callback_query"]["data"] == "inside"
    assert update["callback_query"]["message"]["rich_message"]["blocks"]


async def test_formula_becomes_a_mathml_tree(sandbox: SandboxHarness) -> None:
    query = {"source": r"\frac{a}{b} < 1", "display": "block"}
    async with sandbox.http.get(
        f"{sandbox.url}/chat/formula",
        params=query,
        headers={"Authorization": f"Bearer {CHAT_TOKEN}"},
    ) as response:
        tree = (await response.json())["tree"]
    assert (tree["tag"], tree["attributes"]["display"]) == ("math", "block")
    fraction, less, _ = tree["children"][0]["children"]
    assert fraction["tag"] == "mfrac"
    assert less["children"] == ["<"]


@pytest.mark.parametrize("source", ["a_", "", "x" * 5000])
async def test_invalid_formula_has_no_tree(sandbox: SandboxHarness, source: str) -> None:
    assert await sandbox.call_chat_api("GET", f"/chat/formula?source={source}") == {"tree": None}


@pytest.mark.parametrize(
    ("path", "body", "detail"),
    [
        ("/chat/api/faults", {"kind": "rain"}, "kind: Input should be"),
        ("/chat/api/faults", {"kind": "slow", "times": 0}, "times: Input should be greater"),
        ("/chat/api/faults", {"kind": "slow", "chat": 5}, "chat: Extra inputs are not permitted"),
        ("/chat/api/updates", {}, "update: Field required"),
    ],
)
async def test_invalid_fault_injection_request_has_a_readable_detail(
    sandbox: SandboxHarness, path: str, body: object, detail: str
) -> None:
    status, answer = await _post_refused(sandbox, path, body)
    assert status == 400
    assert answer["detail"].startswith(detail)
