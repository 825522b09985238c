"""The outcomes of messages."""

import asyncio
import json
import threading
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshot_builders import (
    ALICE,
    ALICES_THREAD,
    BOT,
    id_for,
    make_assistant,
    make_secretary,
    make_tool,
    make_user,
)
from smart_kit.contracts.base import utc_now
from smart_kit.contracts.keys import history_key, user_key
from smart_kit.contracts.queue import Notice, Reply
from smart_kit.errors import RejectMessage, RetryMessage
from smart_kit.mailbox import Outcome
from smart_kit.redis import await_result
from smart_kit.testing.scripted_model import (
    RecordedRequest,
    ScriptedModel,
    ScriptedResponse,
    make_error_response,
    make_gated_response,
    make_tool_call_response,
)


async def read_history(harness: AssistantHarness, thread_id=ALICES_THREAD) -> list[dict]:
    stored = await await_result(harness.redis.lrange(history_key(thread_id), 0, -1))
    return [json.loads(item) for item in stored]


async def test_an_answer_goes_back_to_where_the_question_came_from(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    model.add_steps("Hello, Alice!")
    reply = await harness.say("hi")

    assert isinstance(reply, Reply)
    assert (reply.text, reply.receipts) == ("Hello, Alice!", ())
    assert reply.id == f"reply:tg:{BOT}:1"
    assert (reply.conversation, reply.chat_id) == (f"tg:{BOT}:{ALICE}", ALICE)
    assert (reply.correlation_id, reply.language_code) == ("correlation-1", "en")


async def test_a_message_that_needs_no_tool_asks_rest_service_nothing(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    model.add_steps("Hello!")
    await harness.say("hi")

    assert harness.rest.requests == []


async def test_the_turn_is_kept_in_the_history_and_sent_to_the_archive(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    model.add_steps("Hello!")
    await harness.say("hi")

    items = [
        {"role": "user", "content": "[Sat 2026-11-21 13:24 Europe/Berlin]\nhi"},
        {"role": "assistant", "content": "Hello!"},
    ]
    assert await read_history(harness) == items
    (record,) = await harness.read_turn_records()
    assert list(record.items) == items
    assert (record.status, record.message_id) == ("done", f"tg:{BOT}:1")
    assert (record.thread_id, record.configuration_version) == (ALICES_THREAD, 1)
    assert [(step.step, step.kind, step.name) for step in record.steps] == [
        ("1", "model", "default-model")
    ]


async def test_model_sees_earlier_messages(harness: AssistantHarness, model: ScriptedModel) -> None:
    model.add_steps("Noted.", "Teal.")
    await harness.say("My colour is teal")
    await harness.say("What is my colour?")

    texts = [message["content"] for message in model.requests[1].messages]
    assert texts[0] == "You are Secretary."
    assert [text.split("\n")[-1] for text in texts[1:]] == [
        "My colour is teal",
        "Noted.",
        "What is my colour?",
    ]


async def test_chosen_assistant_answers_in_its_own_thread(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    poets = make_assistant("Poet", model="poet-model", is_secretary=True)
    await harness.configure(make_secretary(), poets)
    thread_id = uuid4()
    poet = id_for("Poet")
    await harness.store_user(make_user(assistant_id=poet, threads={poet: thread_id}))
    model.add_steps("Roses are red.")
    await harness.say("hi")

    assert model.requests[0].body["model"] == "poet-model"
    assert model.requests[0].messages[0]["content"] == "You are Poet."
    assert len(await read_history(harness, thread_id)) == 2


async def test_first_secretary_replaces_a_deleted_assistant(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(
        make_assistant("Poet"), make_secretary(), make_assistant("Other", is_secretary=True)
    )
    await harness.store_user(make_user(assistant_id=uuid4()))
    model.add_steps("Hello!")
    await harness.say("hi")

    assert model.requests[0].messages[0]["content"] == "You are Secretary."


async def test_new_user_is_created_and_answered(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.redis.delete(user_key(ALICE))
    model.add_steps("Hello!")
    reply = await harness.say("hi")

    assert isinstance(reply, Reply)
    (request,) = harness.rest.requests
    assert (request.method, request.url.path) == ("PUT", "/api/users")
    profile = {"telegram_id": ALICE, "first_name": "Alice", "username": None, "language_code": "en"}
    assert harness.rest.bodies == [{"profiles": [profile]}]


async def test_history_of_a_created_user_who_is_not_new_is_restored(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    """Redis has lost its data: the user is created there again."""
    await harness.redis.flushall()
    harness.rest.known_users.add(ALICE)
    harness.rest.archive = [{"role": "user", "content": "Remember 7."}]
    model.add_steps("Seven.")
    await harness.say("which number?")

    assert len(harness.rest.requests_to("GET", "/api/messages")) == 1
    assert "Remember 7." in [message["content"] for message in model.requests[0].messages]


async def test_lost_history_of_a_formerly_new_user_is_restored(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.redis.delete(user_key(ALICE), f"{history_key(ALICES_THREAD)}:mark")
    model.add_steps("Hello!", "Seven.")
    await harness.say("hi")
    assert harness.rest.requests_to("GET", "/api/messages") == []
    await harness.redis.delete(history_key(ALICES_THREAD))
    harness.rest.archive = [{"role": "user", "content": "Remember 7."}]
    await harness.say("which number?")

    assert "Remember 7." in [message["content"] for message in model.requests[1].messages]


async def test_new_user_waits_while_rest_service_is_unavailable(harness: AssistantHarness) -> None:
    await harness.redis.delete(user_key(ALICE))
    harness.rest.is_down = True

    with pytest.raises(RetryMessage, match=r"^a new user: .*rest_service") as waiting:
        await harness.say("hi")
    assert waiting.value.after == 5


async def test_an_unreadable_user_snapshot_is_asked_for_again(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.redis.set(user_key(ALICE), "{broken")
    model.add_steps("Hello!")

    assert isinstance(await harness.say("hi"), Reply)
    assert len(harness.rest.requests) == 1


async def test_unreadable_message_becomes_a_dead_letter_without_a_notice(
    harness: AssistantHarness,
) -> None:
    delivery = await harness.deliver(harness.make_message("hi"))
    broken = type(delivery)(
        delivery.entry_id, delivery.conversation, delivery.fencing_token, 1, '{"kind": "surprise"}'
    )

    with pytest.raises(RejectMessage, match=r"^The message cannot be read: .*surprise"):
        await harness.orchestrator.process_message(broken)
    assert await harness.orchestrator.on_dead_letter(broken) == Outcome()


async def test_without_a_configuration_messages_wait(harness: AssistantHarness) -> None:
    harness.configuration.current = None

    with pytest.raises(RetryMessage, match=r"^there is no configuration yet$") as waiting:
        await harness.say("hi")
    assert waiting.value.after == 1


async def test_without_a_secretary_messages_wait(harness: AssistantHarness) -> None:
    await harness.configure(make_assistant("Poet"), version=2)

    with pytest.raises(RetryMessage, match=r"^there is no active secretary$") as waiting:
        await harness.say("hi")
    assert waiting.value.after == 1


async def test_a_change_of_the_configuration_holds_for_the_next_message(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    model.add_steps("Ahoy!", "Good day.")
    await harness.configure(make_secretary(instructions="Speak like a pirate."), version=2)
    await harness.say("hi")
    await harness.configure(
        make_secretary(make_tool("get_time"), instructions="Speak like a butler.", model="new"),
        version=3,
    )
    await harness.say("hi")

    first, second = model.requests
    assert first.messages[0]["content"] == "Speak like a pirate."
    assert "tools" not in first.body
    assert second.messages[0]["content"] == "Speak like a butler."
    assert second.body["model"] == "new"
    assert second.body["tools"][0]["function"]["name"] == "get_time"
    assert [record.configuration_version for record in await harness.read_turn_records()] == [2, 3]


async def test_a_running_turn_keeps_the_configuration_it_began_with(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.configure(
        make_secretary(make_tool("ask_assistant", "ask_poet", sub_assistant="Poet")),
        make_assistant("Poet"),
        version=2,
    )
    first_call_made, go_on = threading.Event(), threading.Event()
    first = make_gated_response(
        go_on, make_tool_call_response(("ask_poet", {"message": "a verse"}))
    )

    def signal_and_respond(_: RecordedRequest) -> ScriptedResponse:
        first_call_made.set()
        return first

    model.add_steps(signal_and_respond, "Roses are red.", "Here: roses are red.")
    turn = asyncio.create_task(harness.say("verse please"))
    assert await asyncio.to_thread(first_call_made.wait, 60)
    await harness.configure(make_secretary(), version=3)  # the Poet is gone
    go_on.set()

    assert (await turn).text == "Here: roses are red."
    assert model.requests[1].messages[0]["content"] == "You are Poet."


async def test_new_finishes_when_the_thread_is_visible(
    harness: AssistantHarness,
) -> None:
    command = harness.make_command().model_copy(update={"created_at": utc_now()})
    delivery = await harness.deliver(command)
    with pytest.raises(RetryMessage, match="not in Redis yet"):
        await harness.handle(delivery)
    (thread,) = harness.rest.created.values()
    threads = {UUID(thread["assistant_id"]): UUID(thread["thread_id"])}
    await harness.store_user(make_user(threads=threads))
    reply = harness.parse_only_reply(await harness.handle(delivery))

    assert isinstance(reply, Notice)
    assert reply.notice == "new_conversation"
    request, repeated = harness.rest.requests
    assert repeated.headers["Idempotency-Key"] == request.headers["Idempotency-Key"]
    assert request.url.path == "/api/threads"
    assert request.headers["Idempotency-Key"] == f"tg:{BOT}:1/0"
    assert request.headers["X-User-Id"] == str(id_for(str(ALICE)))
    assert harness.rest.bodies[0]["assistant_id"] == str(id_for("Secretary"))


async def test_old_new_does_not_wait_for_a_replaced_thread(
    harness: AssistantHarness,
) -> None:
    command = harness.make_command().model_copy(
        update={"created_at": utc_now() - timedelta(minutes=2)}
    )

    assert isinstance(
        harness.parse_only_reply(await harness.handle(await harness.deliver(command))), Notice
    )


async def test_new_waits_while_rest_service_is_away(harness: AssistantHarness) -> None:
    harness.rest.is_down = True
    command = harness.make_command().model_copy(update={"created_at": utc_now()})

    with pytest.raises(RetryMessage) as waiting:
        await harness.handle(await harness.deliver(command))
    assert 0.25 <= waiting.value.after < 5


async def test_unavailable_model_sends_a_notice_and_leaves_no_history(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    model.add_steps(
        make_error_response(
            401, {"error": {"message": "Incorrect API key", "code": "invalid_api_key"}}
        )
    )
    reply = await harness.say("hi")

    assert isinstance(reply, Notice)
    assert (reply.notice, reply.parameters) == ("model_unavailable", {})
    assert await read_history(harness) == []
    (record,) = await harness.read_turn_records()
    assert (record.status, record.is_in_context) == ("failed", False)
    asked, unanswered = record.items
    assert (asked["role"], asked["content"].split("\n")[-1]) == ("user", "hi")
    assert unanswered == {"role": "assistant", "content": "(I could not finish this answer.)"}


async def test_failed_turn_sends_its_receipts(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    model.add_steps(
        make_tool_call_response(("create_reminder", {"text": "stretch", "in_seconds": 60})),
        make_error_response(404, {"error": {"message": "the model is gone"}}),
        "You are welcome.",
    )
    reply = await harness.say("remind me in a minute")

    assert isinstance(reply, Notice)
    assert [receipt.kind for receipt in reply.receipts] == ["reminder_created"]
    await harness.say("thanks")
    roles = [message["role"] for message in model.requests[2].messages]
    assert roles == ["system", "user", "assistant", "tool", "assistant", "user"]


async def test_dead_message_sends_a_notice_with_its_receipts(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    model.add_steps(
        make_tool_call_response(("create_reminder", {"text": "stretch", "in_seconds": 60})), "Done."
    )
    delivery = await harness.deliver(harness.make_message("remind me in a minute"))
    await harness.orchestrator.process_message(delivery)  # and then its worker dies
    reply = harness.parse_only_reply(await harness.orchestrator.on_dead_letter(delivery))

    assert isinstance(reply, Notice)
    assert reply.notice == "turn_failed"
    assert [receipt.kind for receipt in reply.receipts] == ["reminder_created"]
    assert reply.id != f"reply:tg:{BOT}:1", "a replayed letter's answer would count as a duplicate"
    again = harness.parse_only_reply(
        await harness.orchestrator.on_dead_letter(
            replace(delivery, fencing_token=delivery.fencing_token + 1)
        )
    )
    assert again.id != reply.id, "so would the apology for its second life, with other receipts"
