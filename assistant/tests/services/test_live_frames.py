"""What is shown of a running turn."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest

from assistant.src.services import live_frames
from assistant.src.services.live_frames import LiveFrames
from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshots import ALICE, BOT, assistant, model_snapshot, person, secretary, tool
from smart_kit.contracts.keys import live_channel
from smart_kit.contracts.queue import LiveFrame, QueueMessage
from smart_kit.redis import Redis, connect
from smart_kit.settings import RedisSettings
from smart_kit.testing.scripted_model import Answer, ScriptedModel, fails, sends


class Listener:
    def __init__(self, pubsub: Any) -> None:
        self._pubsub = pubsub

    async def frame(self) -> LiveFrame:
        while True:
            message = await self._pubsub.get_message(timeout=30)
            assert message is not None, "no frame came"
            if message["type"] == "message":
                return LiveFrame.model_validate_json(message["data"])


@pytest.fixture
async def listener(redis: Redis) -> AsyncIterator[Listener]:
    async with redis.pubsub() as pubsub:
        await pubsub.subscribe(live_channel(BOT))
        yield Listener(pubsub)


@pytest.fixture
def no_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is repeated, however long a turn takes."""
    monkeypatch.setattr(live_frames, "BEAT_SECONDS", 3600.0)


async def test_a_turn_begins_and_ends(
    harness: AssistantHarness, model: ScriptedModel, listener: Listener, no_beat: None
) -> None:
    model.expect("Hello!")
    await harness.say("hi")
    begin, end = await listener.frame(), await listener.frame()

    assert (begin.kind, end.kind) == ("begin", "end")
    assert begin.seq < end.seq
    assert (begin.conversation, begin.chat_id) == (f"tg:{BOT}:{ALICE}", ALICE)
    assert begin.message_id == end.message_id == f"tg:{BOT}:1"


async def test_a_turn_that_fails_ends_too(
    harness: AssistantHarness, model: ScriptedModel, listener: Listener, no_beat: None
) -> None:
    model.expect(fails(401))
    await harness.say("hi")

    assert [(await listener.frame()).kind for _ in range(2)] == ["begin", "end"]


async def test_what_a_long_turn_is_at_is_repeated(
    harness: AssistantHarness, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_frames, "BEAT_SECONDS", 0.02)
    async with LiveFrames(harness.redis).show(harness.message("hi")) as frames:
        kinds = [(await listener.frame()).kind for _ in range(3)]
        frames.tools_run()
        while (await listener.frame()).kind != "tool":
            pass
        frames.model_thinks()
        while (await listener.frame()).kind != "begin":
            pass
    while (frame := await listener.frame()).kind != "end":
        pass

    assert kinds == ["begin"] * 3
    assert frame.kind == "end"


def streamed(*deltas: dict[str, Any]) -> Answer:
    """Chunks of an answer, the last with its reason."""
    choices = [{"delta": delta, "finish_reason": None} for delta in deltas]
    choices[-1]["finish_reason"] = "stop"
    lines = [f"data: {json.dumps({'choices': [choice]})}\n\n" for choice in choices]
    return sends("".join([*lines, "data: [DONE]\n\n"]).encode(), "text/event-stream")


async def test_a_growing_answer_is_shown_and_what_a_sub_assistant_writes_is_not(
    harness: AssistantHarness,
    model: ScriptedModel,
    listener: Listener,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live_frames, "TEXT_SECONDS", 0.0)
    streams = model_snapshot("default-model", capabilities=frozenset({"tools", "streaming"}))
    harness.models = {"default-model": streams}
    await harness.configure(
        secretary(tool("ask_assistant", "ask_poet", asks="Poet")), assistant("Poet"), version=2
    )
    call = {"index": 0, "id": "x", "function": {"name": "ask_poet", "arguments": '{"message":"x"}'}}
    model.expect(
        streamed({"content": "I ask."}, {"tool_calls": [call]}),
        streamed({"content": "Drip"}, {"content": ", drop."}),
        streamed({"content": "He "}, {"content": "says: drip."}),
    )
    said = await harness.say("a verse?")
    texts = []
    while (frame := await listener.frame()).kind != "end":
        if frame.kind == "delta":
            texts.append(frame.text)

    assert said.text == "He says: drip."
    assert list(dict.fromkeys(texts)) == ["I ask.", "He ", "He says: drip."]


async def test_a_text_is_shown_now_and_then_and_repeated_with_the_beat(
    harness: AssistantHarness, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_frames, "BEAT_SECONDS", 0.02)
    monkeypatch.setattr(live_frames, "TEXT_SECONDS", 3600.0)
    async with LiveFrames(harness.redis).show(harness.message("hi")) as frames:
        assert frames.is_due
        await frames.text_grows(" ")
        assert frames.is_due
        await frames.text_grows("Once")
        assert not frames.is_due
        while (frame := await listener.frame()).kind != "delta":
            pass
        again = await listener.frame()
        frames.model_thinks()
        while (thinking := await listener.frame()).kind == "delta":
            pass

    assert (frame.text, again.text, again.kind) == ("Once", "Once", "delta")
    assert (thinking.kind, thinking.text) == ("begin", "")


class SwallowingRedis:
    """Ends a cancelled command normally, once, as redis-py can in Python 3.11."""

    def __init__(self) -> None:
        self.heart: asyncio.Task[Any] | None = None
        self.is_beating = asyncio.Event()
        self._turn = asyncio.current_task()

    async def publish(self, *_: str) -> int:
        if (task := asyncio.current_task()) is not self._turn:
            has_swallowed, self.heart = self.heart is not None, task
            self.is_beating.set()
            with suppress(*(() if has_swallowed else (asyncio.CancelledError,))):
                await asyncio.sleep(60)
        return 0


async def test_nothing_is_shown_of_a_turn_that_ended_though_redis_swallows_the_cancellation(
    harness: AssistantHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_frames, "BEAT_SECONDS", 0.01)
    redis = SwallowingRedis()
    async with LiveFrames(redis).show(harness.message("hi")):  # type: ignore[arg-type] # as said
        await redis.is_beating.wait()
    assert redis.heart is not None
    ended, _ = await asyncio.wait({redis.heart}, timeout=30)

    assert ended


async def test_a_chat_hears_nothing_of_a_person_who_is_blocked(
    harness: AssistantHarness, listener: Listener, model: ScriptedModel
) -> None:
    await harness.store_user(person(status="blocked"))
    await harness.handle(await harness.deliver(harness.message("hi")))
    await harness.store_user(person())
    model.expect("Hello!")
    await harness.say("hi")

    assert (await listener.frame()).message_id == f"tg:{BOT}:2"


async def test_frames_that_cannot_be_published_stop_nothing(redis_settings: RedisSettings) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
    nowhere = connect(redis_settings.model_copy(update={"redis_port": port}))
    message = QueueMessage(id="1", conversation="tg:1:2", chat_id=2, correlation_id="c")
    async with LiveFrames(nowhere).show(message) as frames:
        await frames.publish("delta")
    await nowhere.aclose()


@pytest.mark.parametrize("conversation", ["cli", "tg:x:1", "tg:1"])
async def test_a_conversation_of_no_bot_has_no_frames(
    harness: AssistantHarness, conversation: str
) -> None:
    async with LiveFrames(harness.redis).show(
        harness.message("hi", conversation=conversation)
    ) as frames:
        assert frames._seq == 0
