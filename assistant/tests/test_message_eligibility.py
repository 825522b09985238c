"""Which messages are processed: of the served bot, of allowed users, and scheduled ones."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import structlog

from assistant.src import commands, orchestrator
from assistant.tests.assistants.llm_chat_helpers import REMIND, take_over
from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshot_builders import ALICE, BOT, SENT_AT, make_user
from smart_kit.contracts.keys import ACTIVE_BOT_KEY, user_key
from smart_kit.contracts.queue import BotIdentity, Notice, Reply, ScheduledPrompt
from smart_kit.contracts.threads import ARCHIVE_RECORD_ADAPTER, CronJobRunRecord
from smart_kit.errors import RejectMessage, RetryMessage
from smart_kit.mailbox import Outcome
from smart_kit.testing.scripted_model import ScriptedModel, make_tool_call_response


async def test_a_blocked_person_gets_nothing_and_costs_no_model_call(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await harness.store_user(make_user(status="blocked"))
    outcome = await harness.handle(await harness.deliver(harness.make_message("hi")))

    assert outcome.replies == outcome.history == ()
    assert model.requests == []


def make_scheduled_prompt() -> ScheduledPrompt:
    run_id = uuid4()
    return ScheduledPrompt(
        id=f"run:{run_id}",
        conversation=f"tg:{BOT}:{ALICE}",
        chat_id=ALICE,
        correlation_id="c",
        created_at=datetime(2026, 11, 21, 7, 0, 1, tzinfo=UTC),
        run_id=run_id,
        job_id=uuid4(),
        telegram_id=ALICE,
        text="Tell me a joke",
        scheduled_for=datetime(2026, 11, 21, 7, 0, tzinfo=UTC),
    )


def set_message_age(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let this much time pass since `SENT_AT`."""
    for module in (commands, orchestrator):
        monkeypatch.setattr(module, "utc_now", lambda: SENT_AT + timedelta(seconds=seconds))


async def store_bot_identity(harness: AssistantHarness, bot_id: int) -> None:
    """Write what tg_bot would."""
    await harness.redis.set(
        ACTIVE_BOT_KEY, BotIdentity(id=bot_id, username="a_bot").model_dump_json()
    )


async def test_message_of_another_bot_is_rejected_without_a_model_call(
    harness: AssistantHarness, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_message_age(monkeypatch, 10)
    await store_bot_identity(harness, BOT + 1)
    for message in (harness.make_message("hi"), harness.make_command(), make_scheduled_prompt()):
        delivery = await harness.deliver(message)
        with pytest.raises(RejectMessage, match="another bot"):
            await harness.orchestrator.process_message(delivery)
        dead_letter_outcome = await harness.orchestrator.on_dead_letter(delivery)
        assert dead_letter_outcome.replies == ()
        assert bool(dead_letter_outcome.archive_record) == isinstance(message, ScheduledPrompt)
        await harness.mailbox.finish(delivery, Outcome())

    assert model.requests == harness.rest.requests == []


async def test_new_message_of_another_bot_is_retried_first(
    harness: AssistantHarness, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store_bot_identity(harness, BOT + 1)
    delivery = await harness.deliver(harness.make_message("hi"))
    set_message_age(monkeypatch, 9.9)
    with pytest.raises(RetryMessage, match=r"^the message seems to be another bot's$") as waiting:
        await harness.orchestrator.process_message(delivery)
    assert waiting.value.after == 1
    set_message_age(monkeypatch, 10)
    with pytest.raises(
        RejectMessage, match=r"^The message came through another bot than the current one\.$"
    ):
        await harness.orchestrator.process_message(delivery)

    await store_bot_identity(harness, BOT)
    model.add_steps("Hello!")
    assert isinstance(harness.parse_only_reply(await harness.handle(delivery)), Reply)


@pytest.mark.parametrize("stored", ['{"id": 77, "username": "a_bot"}', "{broken"])
async def test_messages_of_the_bot_and_while_no_bot_is_known_are_answered(
    harness: AssistantHarness, model: ScriptedModel, stored: str
) -> None:
    await harness.redis.set(ACTIVE_BOT_KEY, stored)
    model.add_steps("Hello!")

    assert isinstance(await harness.say("hi"), Reply)


async def test_user_and_bot_are_read_with_one_command(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    await store_bot_identity(harness, BOT)
    await harness.redis.config_resetstat()
    model.add_steps("Hello!")
    await harness.say("hi")

    stats = await harness.redis.info("commandstats")
    assert stats["cmdstat_mget"]["calls"] == 1
    assert stats["cmdstat_get"]["calls"] == 1, "the mark of the history"


async def test_scheduled_prompt_of_a_blocked_or_deleted_user_is_dropped(
    harness: AssistantHarness, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_message_age(monkeypatch, 60)
    await harness.store_user(make_user(status="blocked"))
    blocked = await harness.handle(await harness.deliver(make_scheduled_prompt()))
    await harness.redis.delete(user_key(ALICE))
    with structlog.testing.capture_logs() as lines:
        gone = await harness.handle(await harness.deliver(make_scheduled_prompt()))

    assert blocked.replies == gone.replies == ()
    assert model.requests == harness.rest.requests == []
    (line,) = lines
    assert line["event"] == "message dropped: user blocked or unknown"
    assert (line["kind"], line["log_level"]) == ("scheduled_prompt", "info")
    records = [
        ARCHIVE_RECORD_ADAPTER.validate_json(outcome.archive_record) for outcome in (blocked, gone)
    ]
    assert [isinstance(one, CronJobRunRecord) and one.state for one in records] == [
        "failed",
        "failed",
    ]
    assert not await harness.redis.exists(f"in:waiting:tg:{BOT}:{ALICE}")


async def test_scheduled_prompt_of_an_unknown_user_waits_a_minute(
    harness: AssistantHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After Redis has lost its data, rest_service needs a moment to write all users again."""
    await harness.redis.delete(user_key(ALICE))
    prompt = make_scheduled_prompt().model_copy(update={"created_at": SENT_AT})
    delivery = await harness.deliver(prompt)
    set_message_age(monkeypatch, 59.9)
    with pytest.raises(
        RetryMessage, match=r"^the user of the schedule is not in Redis$"
    ) as waiting:
        await harness.orchestrator.process_message(delivery)
    assert waiting.value.after == 5
    set_message_age(monkeypatch, 60)
    outcome = await harness.orchestrator.process_message(delivery)

    assert ARCHIVE_RECORD_ADAPTER.validate_json(outcome.archive_record) == CronJobRunRecord(
        run_id=prompt.run_id, state="failed", ended_at=SENT_AT + timedelta(seconds=60)
    )


async def test_blocked_user_leaves_no_journal(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    model.add_steps(make_tool_call_response(REMIND), "Never sent.")
    delivery = await harness.deliver(harness.make_message("remind me"))
    await harness.orchestrator.process_message(delivery)  # and then its worker dies
    assert await harness.mailbox.load_journal(f"tg:{BOT}:1")
    await harness.store_user(make_user(status="blocked"))
    outcome = await harness.handle(await take_over(harness, delivery))

    assert (outcome.replies, outcome.archive_record) == ((), "")
    assert await harness.mailbox.load_journal(f"tg:{BOT}:1") == {}


async def test_dead_scheduled_prompt_sends_a_notice_and_fails_its_run(
    harness: AssistantHarness,
) -> None:
    prompt = make_scheduled_prompt()
    outcome = await harness.orchestrator.on_dead_letter(await harness.deliver(prompt))

    reply = harness.parse_only_reply(outcome)
    assert isinstance(reply, Notice)
    assert (reply.notice, reply.receipts) == ("turn_failed", ())
    record = ARCHIVE_RECORD_ADAPTER.validate_json(outcome.archive_record)
    assert isinstance(record, CronJobRunRecord)
    assert (record.run_id, record.state) == (prompt.run_id, "failed")


async def test_a_scheduled_prompt_is_carried_out_and_its_run_recorded(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    prompt = make_scheduled_prompt()
    model.add_steps("Knock, knock.")
    reply = harness.parse_only_reply(await harness.handle(await harness.deliver(prompt)))

    assert isinstance(reply, Reply)
    assert (reply.text, reply.chat_id, reply.language_code) == ("Knock, knock.", ALICE, "en")
    asked = model.requests[0].messages[-1]["content"]
    assert asked.startswith("[Sat 2026-11-21 08:00 Europe/Berlin]\nScheduled request")
    assert "planned by the user for 2026-11-21 08:00." in asked
    assert asked.endswith("\nTell me a joke")
    assert (await harness.read_turn_records())[0].run_id == prompt.run_id
