"""Runs the tool calls of one model answer, each at most once per message."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from itertools import groupby
from typing import Any, TypeVar
from uuid import UUID

from prometheus_client import Counter

from smart_kit.contracts.base import JsonObject, utc_now
from smart_kit.contracts.threads import StepRecord

from ..core.journal import ToolResult
from ..core.turn import MAX_TOOL_CALLS, Turn
from ..messages.completion import ToolCall
from ..messages.item import ChatItem, build_tool_item
from ..tools.base import BaseTool, ToolContext

TOOL_CALLS = Counter("smart_assistant_tool_calls_total", "Calls that ran", ["function"])

_NO_CALLS_LEFT = (
    f"Error: Not run: a turn has at most {MAX_TOOL_CALLS} tool calls. Answer with what you have,"
    " and say what is left undone."
)
_NO_TIME_LEFT = "Error: Not run: no time is left in this turn."
_OUTCOME_UNKNOWN = ToolResult(
    content="Error: The call was begun and broken off; whether it was done is not known, and it is"
    " not repeated. Tell the user."
)

ToolExecutor = Callable[[str, JsonObject, ToolContext], Awaitable[ToolResult]]
"""Runs the function of this name."""

T = TypeVar("T")


class ToolRunner:
    """The tools of one assistant, by name; `execute` runs them."""

    def __init__(
        self, tools: Mapping[str, BaseTool[Any]], assistant_id: UUID, execute: ToolExecutor
    ) -> None:
        self._tools = tools
        self._assistant_id = assistant_id
        self._execute = execute

    async def run(self, turn: Turn, step: str, calls: Sequence[ToolCall]) -> list[ChatItem]:
        """The results in the order of the calls.

        Neighbours that only read run together, what may write runs by itself.
        """
        results: list[ChatItem] = []
        for may_write, group in groupby(enumerate(calls), key=lambda one: self._may_write(one[1])):
            running = (
                self._run_journaled(turn, f"{step}.{position}", call) for position, call in group
            )
            if may_write:
                results += [await one for one in running]
            else:
                results += await _gather(list(running))
        return results

    def _may_write(self, call: ToolCall) -> bool:
        tool = self._tools.get(call.name)
        return tool is not None and tool.may_write

    async def _run_journaled(self, turn: Turn, step: str, call: ToolCall) -> ChatItem:
        result = turn.journal.find(step, ToolResult)
        if result is None and turn.tool_calls_left <= 0:
            return build_tool_item(call.id, _NO_CALLS_LEFT)
        if result is None and turn.seconds_left <= 0:
            return build_tool_item(call.id, _NO_TIME_LEFT)
        turn.tool_calls_left -= 1
        if result is None:
            result = await self._execute_call(turn, step, call)
            await turn.journal.save(step, result)
        turn.effects[step] = result.effects
        turn.steps.append(
            StepRecord(
                step=step,
                kind="tool",
                name=call.name,
                arguments=call.arguments,
                result=result.content,
                assistant_id=self._assistant_id,
                started_at=result.started_at,
                seconds=round(result.seconds, 3),
            )
        )
        return build_tool_item(call.id, result.content)

    async def _execute_call(self, turn: Turn, step: str, call: ToolCall) -> ToolResult:
        tool = self._tools.get(call.name)
        if tool is None:
            names = ", ".join(self._tools) or "none"
            return ToolResult(
                content=f"Error: There is no tool {call.name!r}. The tools are: {names}."
            )
        if call.error:
            return ToolResult(content=f"Error: {call.error}")
        if not tool.is_repeatable:  # stands there if another attempt should find this one dead
            await turn.journal.save(step, _OUTCOME_UNKNOWN)
        TOOL_CALLS.labels(tool.function).inc()
        started_at, started = utc_now(), time.monotonic()
        result = await self._execute(call.name, call.arguments, ToolContext(turn, step))
        elapsed = time.monotonic() - started
        return result.model_copy(update={"started_at": started_at, "seconds": elapsed})


async def _gather(running: list[Coroutine[Any, Any, T]]) -> list[T]:
    """All results, or the first error; then none of the others goes on."""
    if len(running) == 1:
        return [await running[0]]
    tasks = [asyncio.create_task(one) for one in running]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
