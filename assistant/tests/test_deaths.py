"""A worker that dies at any of its edges: nothing is lost, nothing is done twice.

Each story is told once for every edge that a worker passes: before and after each command of the
mailbox, each request to rest_service and each call of the model. There it dies; the next attempt,
by another replica, goes on.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import httpx2
import pytest

from assistant.src.core.journal import ToolResult
from assistant.src.messages.completion import Completion
from assistant.src.services.models.client import ModelClient
from assistant.src.tools import rest_service_tool
from assistant.src.tools.base import ToolContext
from assistant.src.tools.time_tool import TimeTool
from assistant.tests.desk import (
    ALICES_THREAD,
    Desk,
    RestService,
    assistant,
    person,
    secretary,
    tool,
)
from smart_kit.contracts.functions import GetTime
from smart_kit.contracts.keys import history_key
from smart_kit.contracts.queue import ToSecretary
from smart_kit.mailbox import Delivery, Entry, Mailbox, Outcome
from smart_kit.redis import Redis, answer
from smart_kit.testing.scripted_model import Answer, ScriptedModel, calls, says

MOST_EDGES = 60
BEFORE = {"role": "user", "content": "long ago"}
"""What Postgres alone still has."""

Messages = list[dict[str, Any]]
Model = Callable[[Messages], Answer]
"""Goes by what it is shown, so that every attempt hears the same."""


class Killed(BaseException):
    """kill -9, as far as the one task can tell."""


class Fate:
    """Kills at the n-th edge, once."""

    def __init__(self, at: int) -> None:
        self._edges_left = at

    def edge(self) -> None:
        self._edges_left -= 1
        if self._edges_left == 0:
            raise Killed

    @property
    def has_struck(self) -> bool:
        return self._edges_left <= 0


class MortalMailbox(Mailbox):
    fate: Fate

    async def steps(self, message_id: str) -> dict[str, str]:
        self.fate.edge()
        return await super().steps(message_id)

    async def journal(self, delivery: Delivery, message_id: str, step: str, value: str) -> None:
        self.fate.edge()
        await super().journal(delivery, message_id, step, value)
        self.fate.edge()

    async def finish(self, delivery: Delivery, outcome: Outcome, **more: Any) -> None:
        self.fate.edge()
        await super().finish(delivery, outcome, **more)


class MortalRestService(RestService):
    fate: Fate

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.fate.edge()
        response = await super().__call__(request)
        self.fate.edge()
        return response


class MortalClient(ModelClient):
    fate: Fate

    async def complete(self, *asked: Any) -> Completion:
        self.fate.edge()
        completion = await super().complete(*asked)
        self.fate.edge()
        return completion


class OutsideTool(TimeTool):
    """Writes somewhere outside, where no key is understood."""

    is_repeatable: ClassVar[bool] = False
    fate: ClassVar[Fate]
    written: ClassVar[list[str]]

    async def _run(self, context: ToolContext, arguments: GetTime) -> ToolResult:
        self.fate.edge()
        self.written.append(context.idempotency_key)
        self.fate.edge()
        return ToolResult(content="Written.")


REMIND = ("create_reminder", {"text": "stretch", "in_seconds": 60})
NOTE = ("create_task", {"title": "buy milk"})


def results(messages: Messages) -> int:
    """How many there are since the person's last message."""
    roles = [message["role"] for message in messages]
    return roles[len(roles) - roles[::-1].index("user") :].count("tool")


def two_steps(messages: Messages) -> Answer:
    """Reminds and notes, reminds again, answers."""
    return {0: calls(REMIND, NOTE), 2: calls(REMIND)}.get(results(messages), says("Done."))


def a_helper(messages: Messages) -> Answer:
    """Lets a helper remind and note, then notes itself."""
    if messages[0]["content"] == "You are Helper.":
        return {0: calls(REMIND), 1: calls(NOTE)}.get(results(messages), says("Planned."))
    return {0: calls(("ask_helper", {"message": "plan"}), NOTE)}.get(
        results(messages), says("Done.")
    )


def writes_outside(messages: Messages) -> Answer:
    return {0: calls(("get_time", {}))}.get(results(messages), says("Done."))


@dataclass
class Story:
    """What is there after one death and one more attempt."""

    desk: Desk
    outcome: Outcome
    written: list[str]
    """By OutsideTool."""

    @property
    def receipts(self) -> list[str]:
        """The effects that the person is shown."""
        return [str(one.id) for one in self.desk.only(self.outcome).receipts]

    async def check(self) -> None:
        """What holds in every story: one reply, one record, one growth of a whole history."""
        redis = self.desk.redis
        items = await answer(redis.lrange(history_key(ALICES_THREAD), 0, -1))
        assert items[1:] == list(self.outcome.history)
        assert json.loads(items[0]) == BEFORE
        assert await answer(redis.llen("out:waiting:tg:77:1001")) == 1
        assert len(await self.desk.records()) == 1
        assert not await redis.exists("in:waiting:tg:77:1001", "journal:tg:77:1")


async def told(
    redis: Redis, at: int, model_url: str, message: Callable[[Desk], ToSecretary]
) -> Story | None:
    """The story with a death at that edge; None where it has fewer."""
    await redis.flushdb()
    fate = Fate(at)
    OutsideTool.fate, OutsideTool.written = fate, []
    desk = Desk(redis, model_url, rest=(rest := MortalRestService()))
    desk.mailbox = mailbox = MortalMailbox(redis, "in", replies_to="out")
    desk.model_client = client = MortalClient()
    client.fate = mailbox.fate = rest.fate = fate
    desk.orchestrator = desk.build()
    desk.rest.archive = [BEFORE]
    desk.rest.undoable = [{"id": ALICES_THREAD.hex, "after": {"n": one}} for one in (1, 2)]
    writing = (tool("create_reminder"), tool("create_task"))
    asks = tool("ask_assistant", "ask_helper", asks="Helper")
    await desk.configure(secretary(tool("get_time"), asks, *writing), assistant("Helper", *writing))
    await desk.introduce(person())
    delivery = await desk.deliver(message(desk))
    try:
        outcome = await desk.handle(delivery)
    except Killed:
        desk.orchestrator = desk.build()
        again = await desk.mailbox.begin(Entry(delivery.entry, delivery.conversation))
        assert again is not None
        outcome = await desk.handle(again)
    await desk.close()
    return Story(desk, outcome, OutsideTool.written) if fate.has_struck else None


async def all_told(
    redis: Redis,
    model: Model,
    message: Callable[[Desk], ToSecretary] = lambda desk: desk.message("do it"),
) -> list[Story]:
    stories: list[Story] = []
    with ScriptedModel(otherwise=lambda asked: model(asked.messages)) as scripted:
        for at in range(1, MOST_EDGES):
            story = await told(redis, at, scripted.url, message)
            if story is None:
                return stories
            await story.check()
            stories.append(story)
    raise AssertionError("the story has no end")


@pytest.mark.parametrize("model", [two_steps, a_helper])
async def test_what_tools_write_is_there_once_and_receipted_once(
    redis: Redis, model: Model
) -> None:
    stories = await all_told(redis, model)

    assert len(stories) >= 20
    for story in stories:
        written = [one["effect"]["id"] for one in story.desk.rest.created.values()]
        assert story.receipts == written
        assert len(written) == 3


async def test_an_outside_write_without_a_key_happens_at_most_once_and_its_doubt_is_told(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(rest_service_tool._BY_FUNCTION, "get_time", OutsideTool)
    contents = set()
    for story in await all_told(redis, writes_outside):
        (result,) = (json.loads(one) for one in story.outcome.history if '"role":"tool"' in one)
        contents.add(result["content"])
        assert len(story.written) <= 1
        assert story.written or "is not known" in result["content"]
    assert len(contents) == 2, "written, or in doubt"


async def test_undo_takes_one_change_back(redis: Redis) -> None:
    stories = await all_told(redis, two_steps, lambda desk: desk.command("undo"))

    assert len(stories) >= 5
    for story in stories:
        assert [one["after"]["n"] for one in story.desk.rest.undoable] == [1]
        assert len(story.receipts) == 1
