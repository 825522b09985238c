"""A worker that is killed at any crash point: nothing is lost, nothing is done twice.

Each scenario runs once for every crash point: before and after each command of the mailbox, each
request to rest_service and each model call. The worker dies there, and another replica makes the
next attempt.
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
from assistant.tests.fake_rest_service import FakeRestService
from assistant.tests.harness import AssistantHarness
from assistant.tests.snapshot_builders import (
    ALICES_THREAD,
    make_assistant,
    make_secretary,
    make_tool,
    make_user,
)
from smart_kit.contracts.builtin_functions import GetTimeArguments
from smart_kit.contracts.keys import history_key
from smart_kit.contracts.queue import ToSecretary
from smart_kit.mailbox import Delivery, Mailbox, Outcome, StreamEntry
from smart_kit.redis import Redis, await_result
from smart_kit.testing.scripted_model import (
    ScriptedModel,
    ScriptedResponse,
    make_text_response,
    make_tool_call_response,
)

MAX_CRASH_POINTS = 60
ARCHIVED_ITEM = {"role": "user", "content": "long ago"}
"""What Postgres alone still has."""

Messages = list[dict[str, Any]]
ModelScript = Callable[[Messages], ScriptedResponse]
"""Goes by what it is shown, so that every attempt hears the same."""


class WorkerKilled(BaseException):
    """Ends a task as kill -9 ends its process."""


class CrashPoint:
    """Kills the worker once, at the n-th point that it passes."""

    def __init__(self, at: int) -> None:
        self._points_left = at

    def pass_point(self) -> None:
        self._points_left -= 1
        if self._points_left == 0:
            raise WorkerKilled

    @property
    def has_crashed(self) -> bool:
        return self._points_left <= 0


class CrashingMailbox(Mailbox):
    crash_point: CrashPoint

    async def load_journal(self, message_id: str) -> dict[str, str]:
        self.crash_point.pass_point()
        return await super().load_journal(message_id)

    async def journal(self, delivery: Delivery, message_id: str, step: str, value: str) -> None:
        self.crash_point.pass_point()
        await super().journal(delivery, message_id, step, value)
        self.crash_point.pass_point()

    async def finish(self, delivery: Delivery, outcome: Outcome, **more: Any) -> None:
        self.crash_point.pass_point()
        await super().finish(delivery, outcome, **more)


class CrashingRestService(FakeRestService):
    crash_point: CrashPoint

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.crash_point.pass_point()
        response = await super().__call__(request)
        self.crash_point.pass_point()
        return response


class CrashingModelClient(ModelClient):
    crash_point: CrashPoint

    async def complete(self, *arguments: Any) -> Completion:
        self.crash_point.pass_point()
        completion = await super().complete(*arguments)
        self.crash_point.pass_point()
        return completion


class NonIdempotentTool(TimeTool):
    """Writes to a server without idempotency keys."""

    is_repeatable: ClassVar[bool] = False
    crash_point: ClassVar[CrashPoint]
    written_keys: ClassVar[list[str]]

    async def _run(self, context: ToolContext, arguments: GetTimeArguments) -> ToolResult:
        self.crash_point.pass_point()
        self.written_keys.append(context.idempotency_key)
        self.crash_point.pass_point()
        return ToolResult(content="Written.")


CREATE_REMINDER = ("create_reminder", {"text": "stretch", "in_seconds": 60})
CREATE_TASK = ("create_task", {"title": "buy milk"})


def count_tool_results(messages: Messages) -> int:
    """Return the number of tool results since the user's last message."""
    roles = [message["role"] for message in messages]
    return roles[len(roles) - roles[::-1].index("user") :].count("tool")


def script_two_steps(messages: Messages) -> ScriptedResponse:
    """Create a reminder and a task, then another reminder, then answer."""
    return {
        0: make_tool_call_response(CREATE_REMINDER, CREATE_TASK),
        2: make_tool_call_response(CREATE_REMINDER),
    }.get(count_tool_results(messages), make_text_response("Done."))


def script_sub_assistant(messages: Messages) -> ScriptedResponse:
    """Have a helper create a reminder and a task, then create a task, then answer."""
    if messages[0]["content"] == "You are Helper.":
        return {
            0: make_tool_call_response(CREATE_REMINDER),
            1: make_tool_call_response(CREATE_TASK),
        }.get(count_tool_results(messages), make_text_response("Planned."))
    return {0: make_tool_call_response(("ask_helper", {"message": "plan"}), CREATE_TASK)}.get(
        count_tool_results(messages), make_text_response("Done.")
    )


def script_external_write(messages: Messages) -> ScriptedResponse:
    return {0: make_tool_call_response(("get_time", {}))}.get(
        count_tool_results(messages), make_text_response("Done.")
    )


@dataclass
class CrashResult:
    """The state after one death and one more attempt."""

    harness: AssistantHarness
    outcome: Outcome
    written_keys: list[str]
    """By OutsideTool."""

    @property
    def receipts(self) -> list[str]:
        """The effects that the user sees."""
        return [str(one.id) for one in self.harness.parse_only_reply(self.outcome).receipts]

    async def assert_invariants(self) -> None:
        """Check what holds in every scenario: one reply, one record, one append to the whole
        history."""
        redis = self.harness.redis
        items = await await_result(redis.lrange(history_key(ALICES_THREAD), 0, -1))
        assert items[1:] == list(self.outcome.history)
        assert json.loads(items[0]) == ARCHIVED_ITEM
        assert await await_result(redis.llen("out:waiting:tg:77:1001")) == 1
        assert len(await self.harness.read_turn_records()) == 1
        assert not await redis.exists("in:waiting:tg:77:1001", "journal:tg:77:1")


async def run_with_crash(
    redis: Redis, at: int, model_url: str, message: Callable[[AssistantHarness], ToSecretary]
) -> CrashResult | None:
    """Run the scenario with a crash at this point; None if it has fewer points."""
    await redis.flushdb()
    crash_point = CrashPoint(at)
    NonIdempotentTool.crash_point, NonIdempotentTool.written_keys = crash_point, []
    harness = AssistantHarness(redis, model_url, rest=(rest := CrashingRestService()))
    harness.mailbox = mailbox = CrashingMailbox(redis, "in", reply_queue="out")
    harness.model_client = client = CrashingModelClient()
    client.crash_point = mailbox.crash_point = rest.crash_point = crash_point
    harness.orchestrator = harness.build_orchestrator()
    harness.rest.archive = [ARCHIVED_ITEM]
    harness.rest.undoable_effects = [
        {"id": ALICES_THREAD.hex, "after": {"n": one}} for one in (1, 2)
    ]
    writing = (make_tool("create_reminder"), make_tool("create_task"))
    ask_tool = make_tool("ask_assistant", "ask_helper", sub_assistant="Helper")
    await harness.configure(
        make_secretary(make_tool("get_time"), ask_tool, *writing),
        make_assistant("Helper", *writing),
    )
    await harness.store_user(make_user())
    delivery = await harness.deliver(message(harness))
    try:
        outcome = await harness.handle(delivery)
    except WorkerKilled:
        harness.orchestrator = harness.build_orchestrator()
        redelivery = await harness.mailbox.begin(
            StreamEntry(delivery.entry_id, delivery.conversation)
        )
        assert redelivery is not None
        outcome = await harness.handle(redelivery)
    await harness.close()
    return (
        CrashResult(harness, outcome, NonIdempotentTool.written_keys)
        if crash_point.has_crashed
        else None
    )


async def run_with_each_crash(
    redis: Redis,
    model: ModelScript,
    message: Callable[[AssistantHarness], ToSecretary] = lambda harness: harness.make_message(
        "do it"
    ),
) -> list[CrashResult]:
    crash_results: list[CrashResult] = []
    with ScriptedModel(default_step=lambda request: model(request.messages)) as scripted:
        for at in range(1, MAX_CRASH_POINTS):
            crash_result = await run_with_crash(redis, at, scripted.url, message)
            if crash_result is None:
                return crash_results
            await crash_result.assert_invariants()
            crash_results.append(crash_result)
    raise AssertionError("the scenario has no end")


@pytest.mark.parametrize("model", [script_two_steps, script_sub_assistant])
async def test_writes_and_receipts_exist_exactly_once(redis: Redis, model: ModelScript) -> None:
    crash_results = await run_with_each_crash(redis, model)

    assert len(crash_results) >= 20
    for crash_result in crash_results:
        written = [one["effect"]["id"] for one in crash_result.harness.rest.created.values()]
        assert crash_result.receipts == written
        assert len(written) == 3


async def test_a_non_idempotent_write_happens_at_most_once_and_its_uncertain_outcome_is_reported(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(rest_service_tool.TOOLS, "get_time", NonIdempotentTool)
    contents = set()
    for crash_result in await run_with_each_crash(redis, script_external_write):
        (result,) = (
            json.loads(one) for one in crash_result.outcome.history if '"role":"tool"' in one
        )
        contents.add(result["content"])
        assert len(crash_result.written_keys) <= 1
        assert crash_result.written_keys or "is not known" in result["content"]
    assert len(contents) == 2, "written, or in doubt"


async def test_undo_takes_one_change_back(redis: Redis) -> None:
    crash_results = await run_with_each_crash(
        redis, script_two_steps, lambda harness: harness.make_command("undo")
    )

    assert len(crash_results) >= 5
    for crash_result in crash_results:
        assert [one["after"]["n"] for one in crash_result.harness.rest.undoable_effects] == [1]
        assert len(crash_result.receipts) == 1
