"""Violations that a real server ignores are recorded, and the call still succeeds."""

from typing import Any

import pytest

from sandbox.tests.sandbox_harness import ALICE, TOKEN, BotApiRefused, SandboxHarness

BUTTON = {"text": "a", "callback_data": "b"}


@pytest.mark.parametrize(
    ("parameters", "recorded"),
    [
        ({"parsemode": "HTML"}, "unknown_parameter: parsemode"),
        ({"draft_id": 5}, "unknown_parameter: draft_id"),
        (
            {"disable_notification": "yes!"},
            "wrong_type: disable_notification is not of type Boolean",
        ),
        ({"message_thread_id": "no"}, "wrong_type: message_thread_id is not of type Integer"),
        ({"message_thread_id": True}, "wrong_type: message_thread_id is not of type Integer"),
        ({"parse_mode": None}, "wrong_type: parse_mode is not of type String"),
        ({"entities": None}, "wrong_type: entities is not of type Array"),
        ({"link_preview_options": [1]}, "wrong_type: link_preview_options is not of type Object"),
        (
            {"link_preview_options": {"disabled": True}},
            "unknown_parameter: link_preview_options.disabled",
        ),
        (
            {"reply_markup": {"inline_keyboard": [[BUTTON | {"colour": "red"}]]}},
            "unknown_parameter: inline_keyboard.colour",
        ),
        (
            {"reply_markup": {"keyboard": [[{"text": "a", "callback_data": "b"}]]}},
            "unknown_parameter: keyboard.callback_data",
        ),
        (
            {"entities": [{"type": "bold", "offset": 0, "length": 1, "lang": "py"}]},
            "unknown_parameter: entities.lang",
        ),
    ],
)
async def test_unknown_fields_and_wrong_types_are_recorded(
    sandbox: SandboxHarness, parameters: dict[str, Any], recorded: str
) -> None:
    sent = await sandbox.call_bot_api("sendMessage", chat_id=ALICE, text="x", **parameters)
    assert sent["text"] == "x"
    assert await sandbox.get_violations() == [f"sendMessage: {recorded}"]


async def test_unknown_update_kind_is_recorded(sandbox: SandboxHarness) -> None:
    await sandbox.call_bot_api("getUpdates", allowed_updates=["message", "poll", "mesage"])
    assert await sandbox.get_violations() == [
        "getUpdates: unknown_parameter: allowed_updates: mesage"
    ]
    assert (await sandbox.call_bot_api("getWebhookInfo"))["allowed_updates"] == ["message", "poll"]


async def test_unknown_method_is_recorded(sandbox: SandboxHarness) -> None:
    with pytest.raises(BotApiRefused, match="method not found"):
        await sandbox.call_bot_api("sendMesage", chat_id=ALICE, text="x")
    assert await sandbox.get_violations() == [
        "sendMesage: unknown_method: the sandbox has no sendMesage"
    ]


async def test_documented_parameters_cause_no_violations(
    sandbox: SandboxHarness,
) -> None:
    message = await sandbox.say("hello")
    await sandbox.call_bot_api(
        "sendMessage",
        chat_id=str(ALICE),
        text="x",
        entities=[{"type": "bold", "offset": 0, "length": 1}],
        link_preview_options={"is_disabled": True},
        disable_notification=False,
        protect_content=True,
        reply_parameters={"message_id": message["message_id"], "allow_sending_without_reply": True},
        reply_markup={"inline_keyboard": [[BUTTON | {"style": "danger"}]]},
    )
    form = {"chat_id": str(ALICE), "text": "y", "disable_notification": "true", "entities": "[]"}
    await sandbox.http.post(f"{sandbox.url}/bot{TOKEN}/sendMessage", data=form)
    assert await sandbox.get_violations() == []
