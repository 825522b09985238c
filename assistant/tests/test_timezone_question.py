"""A user without a time zone is asked for it before something is planned by it."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from assistant.src.messages.conversation import TIMEZONE_QUESTION
from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshot_builders import (
    ALICE,
    BOT,
    SENT_AT,
    make_secretary,
    make_tool,
    make_user,
)
from smart_kit.contracts.base import utc_now
from smart_kit.contracts.queue import (
    TO_TELEGRAM_ADAPTER,
    Choice,
    Notice,
    QueueMessage,
    Reply,
    ScheduledPrompt,
    Sender,
    UserPress,
)
from smart_kit.errors import RetryMessage
from smart_kit.mailbox import Outcome
from smart_kit.testing.scripted_model import ScriptedModel, make_tool_call_response

CREATE = ("create_reminder", {"text": "stretch", "at": "2026-11-27T09:00"})


@pytest.fixture
async def harness(harness: AssistantHarness) -> AssistantHarness:
    """Alice has no time zone."""
    names = ("create_reminder", "change_reminder", "create_task", "change_task", "change_settings")
    await harness.configure(make_secretary(*map(make_tool, names)), version=2)
    await harness.store_user(make_user(timezone=None))
    return harness


def make_press(timezone: str, at: datetime = SENT_AT) -> UserPress:
    return UserPress(
        id=f"tg:{BOT}:{uuid4().int}",
        conversation=f"tg:{BOT}:{ALICE}",
        chat_id=ALICE,
        correlation_id="c",
        sender=Sender(telegram_id=ALICE),
        choice_kind="timezone",
        timezone=timezone,
        created_at=at,
    )


async def press(harness: AssistantHarness, timezone: str, at: datetime = SENT_AT) -> Any:
    """Press a button. rest_service writes the new zone to Redis."""

    async def store_timezone() -> None:
        await harness.store_user(make_user(timezone=timezone))

    harness.rest.on_request = store_timezone
    return parse_only_reply(await harness.handle(await harness.deliver(make_press(timezone, at))))


async def ask(harness: AssistantHarness, model: ScriptedModel) -> Choice:
    """Send a request that has to wait for the time zone; return the question."""
    model.add_steps(make_tool_call_response(CREATE))
    return await say(harness, "remind me on Friday at 9")


async def say(harness: AssistantHarness, text: str) -> Any:
    return parse_only_reply(await harness.handle(await harness.deliver(harness.make_message(text))))


def parse_only_reply(outcome: Outcome) -> Any:
    (envelope,) = outcome.replies
    return TO_TELEGRAM_ADAPTER.validate_json(envelope.payload)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        CREATE,
        ("create_reminder", {"text": "stretch", "cron": "0 9 * * *"}),
        ("change_reminder", {"id": "00000000-0000-0000-0000-000000000001", "cron": "0 9 * * *"}),
        ("create_task", {"title": "buy milk", "due": "2026-11-27"}),
        ("change_task", {"id": "00000000-0000-0000-0000-000000000001", "due": "2026-11-27"}),
    ],
)
async def test_question_is_sent_instead_of_planning(
    harness: AssistantHarness, model: ScriptedModel, function: str, arguments: dict[str, object]
) -> None:
    model.add_steps(make_tool_call_response((function, arguments)))

    question = await say(harness, "please")

    assert isinstance(question, Choice)
    assert (question.choice_kind, question.options) == ("timezone", ())
    assert harness.rest.requests == []


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("create_reminder", {"text": "stretch", "in_seconds": 60}),
        ("create_task", {"title": "buy milk"}),
    ],
)
async def test_nothing_is_asked_where_the_zone_does_not_matter(
    harness: AssistantHarness, model: ScriptedModel, function: str, arguments: dict[str, object]
) -> None:
    model.add_steps(make_tool_call_response((function, arguments)), "Done.")

    assert isinstance(await harness.say("please"), Reply)


async def test_press_sets_the_zone_and_answers_the_waiting_request(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await ask(harness, model)
    model.add_steps(make_tool_call_response(CREATE), "All right.")

    reply = await press(harness, "Asia/Tokyo")

    assert isinstance(reply, Reply)
    assert [one.kind for one in reply.receipts] == ["settings_changed", "reminder_created"]
    assert harness.rest.bodies[0] == {"timezone": "Asia/Tokyo"}
    assert harness.rest.bodies[1]["timezone"] == "Asia/Tokyo"
    *_, before, question, resumed = model.requests[1].messages
    assert question["content"] == TIMEZONE_QUESTION
    assert before["content"] == "[Sat 2026-11-21 07:24 America/New_York]\nremind me on Friday at 9"
    line, instruction, *waiting = resumed["content"].splitlines()
    assert (line, waiting) == (
        "[Sat 2026-11-21 21:24 Asia/Tokyo]",
        ["[Sat 2026-11-21 21:24 Asia/Tokyo]", "remind me on Friday at 9"],
    )
    assert instruction.startswith("The user has chosen a time zone. Do now what had to wait")


async def resume(harness: AssistantHarness, model: ScriptedModel, at: datetime = SENT_AT) -> str:
    """Press a button, which answers a waiting request; return what the model is asked to do."""
    model.add_steps("All right.")
    assert isinstance(await press(harness, "Asia/Tokyo", at), Reply)
    asked: str = model.requests[-1].messages[-1]["content"]
    return asked.partition(":\n")[2]


async def test_request_keeps_the_time_at_which_it_was_written(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    """“Tomorrow” is the same day after midnight."""
    await ask(harness, model)

    waiting = await resume(harness, model, SENT_AT + timedelta(hours=23))

    assert waiting == "[Sat 2026-11-21 21:24 Asia/Tokyo]\nremind me on Friday at 9"
    line = model.requests[-1].messages[-1]["content"].partition("\n")[0]
    assert line == "[Sun 2026-11-22 20:24 Asia/Tokyo]"


async def test_request_of_another_day_does_not_wait_any_more(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await ask(harness, model)

    notice = await press(harness, "Asia/Tokyo", SENT_AT + timedelta(hours=25))

    assert notice.notice == "timezone_chosen"


async def test_all_waiting_requests_are_answered(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await ask(harness, model)
    model.add_steps("Hello.", make_tool_call_response(CREATE))
    await harness.say("hi")
    assert isinstance(await say(harness, "and at 10"), Choice)

    waiting = await resume(harness, model)

    assert waiting.splitlines()[1::2] == ["remind me on Friday at 9", "and at 10"]


async def test_request_is_answered_once(harness: AssistantHarness, model: ScriptedModel) -> None:
    await ask(harness, model)
    await resume(harness, model)
    harness.rest.user["timezone"] = None  # the user has undone it
    await harness.store_user(make_user(timezone=None))

    notice = await press(harness, "Asia/Tokyo")

    assert notice.notice == "timezone_chosen"


async def test_refused_zone_sends_a_notice(harness: AssistantHarness) -> None:
    harness.rest.refusal = (404, "no such user")

    assert (await press(harness, "Asia/Tokyo")).notice == "try_again_later"


async def test_zone_waits_a_minute_for_rest_service(harness: AssistantHarness) -> None:
    harness.rest.is_down = True
    new = make_press("Asia/Tokyo", utc_now())
    with pytest.raises(RetryMessage):
        await harness.orchestrator.process_message(await harness.deliver(new))
    await harness.redis.flushdb()
    await harness.configure(make_secretary(), version=3)
    await harness.store_user(make_user(timezone=None))

    notice = await press(harness, "Asia/Tokyo", utc_now() - timedelta(seconds=61))

    assert notice.notice == "try_again_later"


async def test_repeated_attempt_at_a_press_answers_the_request_again(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await ask(harness, model)
    model.add_steps(make_tool_call_response(CREATE), "All right.", "Indeed.")
    delivery = await harness.deliver(make_press("Asia/Tokyo"))
    await harness.store_user(make_user(timezone="Asia/Tokyo"))

    first = parse_only_reply(await harness.orchestrator.process_message(delivery))
    second = parse_only_reply(await harness.handle(delivery))

    assert (first.text, second.text) == ("All right.", "Indeed.")
    assert first.receipts == second.receipts
    assert len(harness.rest.requests_to("POST", "/api/cron-jobs")) == 1, "the journal has it"


async def test_press_after_the_zone_is_known_only_confirms(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    """The request was answered when the user wrote the city."""
    await ask(harness, model)
    harness.rest.user["timezone"] = "Europe/Lisbon"

    notice = await press(harness, "Asia/Tokyo")

    assert isinstance(notice, Notice)
    assert (notice.notice, notice.parameters) == ("timezone_chosen", {"timezone": "Asia/Tokyo"})
    assert [one.kind for one in notice.receipts] == ["settings_changed"]


async def test_press_without_a_waiting_request_only_confirms(harness: AssistantHarness) -> None:
    notice = await press(harness, "Asia/Tokyo")

    assert isinstance(notice, Notice)
    assert notice.notice == "timezone_chosen"


async def test_scheduled_request_is_not_interrupted_by_a_question(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    model.add_steps(make_tool_call_response(CREATE), "Done.")
    message = harness.make_message("")
    prompt = ScheduledPrompt(
        **message.model_dump(include=set(QueueMessage.model_fields)),
        run_id=uuid4(),
        job_id=uuid4(),
        telegram_id=ALICE,
        text="plan Friday",
        scheduled_for=SENT_AT,
    )

    reply = parse_only_reply(await harness.handle(await harness.deliver(prompt)))

    assert isinstance(reply, Reply)
    assert [one.kind for one in reply.receipts] == ["reminder_created"]


async def test_turn_that_has_changed_something_is_not_repeated(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    both = (("create_task", {"title": "buy milk"}), CREATE)
    model.add_steps(make_tool_call_response(*both), "Where do you live?")

    reply = await harness.say("note milk, and remind me on Friday at 9")

    assert isinstance(reply, Reply)
    assert [one.kind for one in reply.receipts] == ["task_created"]
    assert model.requests[-1].messages[-1]["content"] == (
        "Error: The user's time zone is not known. Ask in which city they live; then call"
        " change_settings, and this again."
    )


async def test_zone_that_the_user_tells_applies_to_the_rest_of_the_turn(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    both = (("change_settings", {"place": "Lisbon", "language": "en"}), CREATE)
    model.add_steps(make_tool_call_response(*both), "Done.")

    reply = await harness.say("I live in Lisbon. Remind me on Friday at 9")

    assert isinstance(reply, Reply)
    assert [one.kind for one in reply.receipts] == ["settings_changed", "reminder_created"]
    assert harness.rest.bodies[-1]["timezone"] == "Europe/Lisbon"
    settings_request = harness.rest.requests_to("PATCH", f"/api/users/{make_user(ALICE).id}")[0]
    assert settings_request.headers["Idempotency-Key"] == "tg:77:1/1.0"
    saved = model.requests[-1].messages[-2]["content"]
    assert saved == "Saved: time zone Europe/Lisbon, language en."
