"""The published progress of a running turn."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest
import structlog

from assistant.src.core import turn_progress
from assistant.src.core.turn_progress import TurnProgress, publishing_progress
from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshot_builders import (
    ALICE,
    BOT,
    SENT_AT,
    id_for,
    make_assistant,
    make_model,
    make_secretary,
    make_tool,
    make_user,
)
from smart_kit.contracts.keys import progress_channel
from smart_kit.contracts.queue import ProgressFrame, QueueMessage, ScheduledPrompt
from smart_kit.redis import Redis, connect
from smart_kit.settings import RedisSettings
from smart_kit.testing.scripted_model import (
    ScriptedModel,
    ScriptedResponse,
    make_error_response,
    make_response,
    make_tool_call_response,
)


class FrameSubscriber:
    def __init__(self, pubsub: Any) -> None:
        self._pubsub = pubsub

    async def next_frame(self) -> ProgressFrame:
        while True:
            message = await self._pubsub.get_message(timeout=30)
            assert message is not None, "no frame came"
            if message["type"] == "message":
                return ProgressFrame.model_validate_json(message["data"])


@pytest.fixture
async def subscriber(redis: Redis) -> AsyncIterator[FrameSubscriber]:
    async with redis.pubsub() as pubsub:
        await pubsub.subscribe(progress_channel(BOT))
        yield FrameSubscriber(pubsub)


@pytest.fixture
def no_turn_is_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Publish the first frame as soon as a turn waits for anything."""
    monkeypatch.setattr(turn_progress, "QUICK_TURN_SECONDS", 0.0)


slow_turns = pytest.mark.usefixtures("no_turn_is_quick")


@pytest.fixture
def no_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Publish no frame twice, however long a turn takes."""
    monkeypatch.setattr(turn_progress, "HEARTBEAT_SECONDS", 3600.0)


@slow_turns
async def test_a_turn_begins_and_ends(
    harness: AssistantHarness, model: ScriptedModel, subscriber: FrameSubscriber, no_heartbeat: None
) -> None:
    model.add_steps("Hello!")
    await harness.say("hi")
    begin, end = await subscriber.next_frame(), await subscriber.next_frame()

    assert (begin.kind, end.kind) == ("begin", "end")
    assert begin.seq < end.seq
    assert (begin.conversation, begin.chat_id) == (f"tg:{BOT}:{ALICE}", ALICE)
    assert begin.message_id == end.message_id == f"tg:{BOT}:1"


@slow_turns
async def test_a_turn_that_fails_ends_too(
    harness: AssistantHarness, model: ScriptedModel, subscriber: FrameSubscriber, no_heartbeat: None
) -> None:
    model.add_steps(make_error_response(401))
    await harness.say("hi")

    assert [(await subscriber.next_frame()).kind for _ in range(2)] == ["begin", "end"]


@slow_turns
async def test_heartbeat_repeats_the_state_of_a_long_turn(
    harness: AssistantHarness, subscriber: FrameSubscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn_progress, "HEARTBEAT_SECONDS", 0.02)
    with publishing_progress(harness.redis, harness.make_message("hi")) as frames:
        kinds = [(await subscriber.next_frame()).kind for _ in range(3)]
        frames.kind = "tool"
        while (await subscriber.next_frame()).kind != "tool":
            pass
        frames.kind = "begin"
        while (await subscriber.next_frame()).kind != "begin":
            pass
    while (frame := await subscriber.next_frame()).kind != "end":
        pass

    assert kinds == ["begin"] * 3
    assert frame.kind == "end"


def make_event_stream(*deltas: dict[str, Any]) -> ScriptedResponse:
    """Return the chunks of an answer, the last one with a finish_reason."""
    choices = [{"delta": delta, "finish_reason": None} for delta in deltas]
    choices[-1]["finish_reason"] = "stop"
    lines = [f"data: {json.dumps({'choices': [choice]})}\n\n" for choice in choices]
    return make_response("".join([*lines, "data: [DONE]\n\n"]).encode(), "text/event-stream")


@slow_turns
async def test_only_the_text_of_the_secretary_is_published(
    harness: AssistantHarness,
    model: ScriptedModel,
    subscriber: FrameSubscriber,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turn_progress, "MIN_TEXT_INTERVAL_SECONDS", 0.0)
    streams = make_model("default-model", capabilities=frozenset({"tools", "streaming"}))
    harness.models = {"default-model": streams}
    await harness.configure(
        make_secretary(make_tool("ask_assistant", "ask_poet", sub_assistant="Poet")),
        make_assistant("Poet"),
        version=2,
    )
    call = {"index": 0, "id": "x", "function": {"name": "ask_poet", "arguments": '{"message":"x"}'}}
    beginning = make_event_stream({"content": "He "}, {}).body.splitlines(keepends=True)[0]
    model.add_steps(
        make_event_stream({"content": "I ask."}, {"tool_calls": [call]}),
        "Drip, drop.",
        replace(make_response(beginning, "text/event-stream"), is_truncated=True),
        "He says: drip.",
    )
    reply = await harness.say("a verse?")
    texts = []
    while (frame := await subscriber.next_frame()).kind != "end":
        if frame.kind == "delta":
            texts.append(frame.text)

    assert reply.text == "He says: drip."
    assert list(dict.fromkeys(texts)) == ["I ask.", "He "]


@slow_turns
async def test_text_is_published_at_intervals_and_by_the_heartbeat(
    harness: AssistantHarness, subscriber: FrameSubscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn_progress, "HEARTBEAT_SECONDS", 0.02)
    monkeypatch.setattr(turn_progress, "MIN_TEXT_INTERVAL_SECONDS", 3600.0)
    with publishing_progress(harness.redis, harness.make_message("hi")) as frames:
        assert not frames.is_due, "the turn may still be quick"
        assert (await subscriber.next_frame()).kind == "begin"
        assert frames.is_due
        frames.on_text(" ")
        assert frames.is_due
        frames.on_text("Once")
        assert not frames.is_due
        while (frame := await subscriber.next_frame()).kind != "delta":
            pass
        again = await subscriber.next_frame()
        frames.kind = "begin"
        while (thinking := await subscriber.next_frame()).kind == "delta":
            pass

    assert (frame.text, again.text, again.kind) == ("Once", "Once", "delta")
    assert (thinking.kind, thinking.text) == ("begin", "")


@pytest.mark.parametrize(
    ("seconds", "kinds"), [(0.49, []), (0.51, ["begin", "end"]), (4.6, ["begin", "begin", "end"])]
)
@pytest.mark.clock("virtual")
async def test_only_turns_longer_than_half_a_second_are_published(
    seconds: float, kinds: list[str]
) -> None:
    redis = RecordingRedis()
    with redis.publishing_turn():
        await asyncio.sleep(seconds)
    await asyncio.sleep(60)

    assert [frame.kind for frame in redis.frames] == kinds
    assert [frame.seq for frame in redis.frames] == list(range(1, len(kinds) + 1))


class RecordingRedis:
    """Keeps the frames that are published."""

    def __init__(self) -> None:
        self.frames: list[ProgressFrame] = []
        self._changed = asyncio.Condition()

    async def publish(self, _: str, frame: str) -> int:
        async with self._changed:
            self.frames.append(ProgressFrame.model_validate_json(frame))
            self._changed.notify_all()
        return 1

    def publishing_turn(
        self, conversation: str = f"tg:{BOT}:2"
    ) -> AbstractContextManager[TurnProgress]:
        message = QueueMessage(id="1", conversation=conversation, chat_id=2, correlation_id="c")
        return publishing_progress(self, message)  # type: ignore[arg-type] # it only publishes

    async def wait_for_frames(self, count: int) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.frames) >= count)


async def test_only_answers_that_can_be_shown_are_streamed(
    harness: AssistantHarness, model: ScriptedModel
) -> None:
    streams = make_model("default-model", capabilities=frozenset({"tools", "streaming"}))
    harness.models = {"default-model": streams}
    await harness.configure(
        make_secretary(make_tool("ask_assistant", "ask_poet", sub_assistant="Poet")),
        make_assistant("Poet"),
        version=2,
    )
    model.add_steps(
        make_tool_call_response(("ask_poet", {"message": "x"})), "Drip.", "He says: drip."
    )
    await harness.say("a verse?")
    for hidden in (
        harness.make_message("in a group", chat_id=-5),
        harness.make_message("by hand", conversation="cli"),
        make_scheduled_prompt(harness),
    ):
        model.add_steps("Hello!")
        await harness.handle(await harness.deliver(hidden))

    assert [request.body.get("stream") for request in model.requests] == [
        *(True, None, True),
        *(None, None, None),
    ]


def make_scheduled_prompt(harness: AssistantHarness) -> ScheduledPrompt:
    common = harness.make_message("").model_dump(include=set(QueueMessage.model_fields))
    return ScheduledPrompt(
        **common,
        run_id=id_for("run"),
        job_id=id_for("job"),
        telegram_id=ALICE,
        text="Tell me a joke",
        scheduled_for=SENT_AT,
    )


class HoldingRedis(RecordingRedis):
    """Publishes the first frame only when it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.is_holding, self.released = asyncio.Event(), asyncio.Event()

    async def publish(self, channel: str, frame: str) -> int:
        if not self.is_holding.is_set():
            self.is_holding.set()
            await self.released.wait()
        return await super().publish(channel, frame)


@slow_turns
async def test_last_frame_follows_one_that_is_being_published_and_delays_nothing() -> None:
    redis = HoldingRedis()
    with redis.publishing_turn():
        await redis.is_holding.wait()
    assert redis.frames == []

    redis.released.set()
    await redis.wait_for_frames(2)
    assert [frame.kind for frame in redis.frames] == ["begin", "end"]


@slow_turns
async def test_a_text_that_arrives_with_its_end_is_not_published() -> None:
    redis = RecordingRedis()
    with redis.publishing_turn() as frames:
        await redis.wait_for_frames(1)
        frames.on_text("Once")
        await redis.wait_for_frames(2)
        frames.on_text("Once upon a time.")
    await redis.wait_for_frames(3)

    assert [frame.kind for frame in redis.frames] == ["begin", "delta", "end"]
    assert redis.frames[1].text == "Once"


@slow_turns
async def test_no_progress_is_published_for_a_blocked_user(
    harness: AssistantHarness, subscriber: FrameSubscriber, model: ScriptedModel
) -> None:
    await harness.store_user(make_user(status="blocked"))
    await harness.handle(await harness.deliver(harness.make_message("hi")))
    await harness.store_user(make_user())
    model.add_steps("Hello!")
    await harness.say("hi")

    assert (await subscriber.next_frame()).message_id == f"tg:{BOT}:2"


@slow_turns
async def test_frames_that_cannot_be_published_stop_nothing(redis_settings: RedisSettings) -> None:
    with socket.socket() as unused_socket:
        unused_socket.bind(("127.0.0.1", 0))
        port = unused_socket.getsockname()[1]
    unreachable_redis = connect(redis_settings.model_copy(update={"redis_port": port}))
    message = QueueMessage(id="1", conversation="tg:1:2", chat_id=2, correlation_id="c")
    with structlog.testing.capture_logs() as lines:
        with publishing_progress(unreachable_redis, message) as frames:
            while not frames.is_due:
                await asyncio.sleep(0)
        await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()})
    assert [line["event"] for line in lines] == ["progress frame dropped"] * 2
    await unreachable_redis.aclose()


@pytest.mark.parametrize("conversation", ["cli", "tg:x:1", "tg:1"])
@pytest.mark.clock("virtual")
async def test_a_conversation_of_no_bot_has_no_frames(conversation: str) -> None:
    redis = RecordingRedis()
    with redis.publishing_turn(conversation) as frames:
        await asyncio.sleep(10)
        assert not frames.is_due

    assert redis.frames == []


@pytest.mark.clock("virtual")
async def test_a_text_restarts_the_heartbeat() -> None:
    redis = RecordingRedis()
    with redis.publishing_turn() as frames:
        await asyncio.sleep(2)
        frames.on_text("Once")
        await asyncio.sleep(3.9)
        assert [frame.kind for frame in redis.frames] == ["begin", "delta"]
        await asyncio.sleep(0.2)
        assert [frame.kind for frame in redis.frames] == ["begin", "delta", "delta"]


@pytest.mark.clock("virtual")
async def test_frames_do_not_pile_up_while_redis_is_stalled() -> None:
    redis = HoldingRedis()
    with redis.publishing_turn():
        await asyncio.sleep(30)
    redis.released.set()
    await redis.wait_for_frames(2)

    assert [frame.kind for frame in redis.frames] == ["begin", "end"]
