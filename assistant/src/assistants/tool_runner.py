"""Runs the tool calls of one model answer, each at most once per message."""

import asyncio
import time
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

from prometheus_client import Counter

from smart_kit.contracts.base import JsonObject, utc_now
from smart_kit.contracts.threads import StepRecord

from ..core.journal import ToolResult
from ..core.turn import MAX_TOOL_CALLS, Turn
from ..messages.completion import ToolCall
from ..messages.item import ChatItem, build_tool_result_item
from ..tools.base import BaseTool, ToolContext

TOOL_CALLS = Counter("smart_assistant_tool_calls_total", "Tool calls that were run", ["function"])

_NO_CALLS_LEFT = (
    f"Error: Not run: a turn has at most {MAX_TOOL_CALLS} tool calls. Answer with what you have,"
    " and say what is left undone."
)
_NO_TIME_LEFT = "Error: Not run: no time is left in this turn."
_OUTCOME_UNKNOWN = ToolResult(
    content="Error: The call was started and interrupted; whether it was done is not known, and it"
    " is not repeated. Tell the user."
)


@dataclass(frozen=True)
class ToolRunner:
    """Holds the tools of one assistant, by name, and runs them."""

    tools: Mapping[str, BaseTool[Any]]
    assistant_id: UUID

    async def run(self, turn: Turn, step: str, calls: Sequence[ToolCall]) -> list[ChatItem]:
        """Return the results in the order of the calls. Neighbouring calls that only read run in
        parallel; a call that may write runs alone."""
        results: list[ChatItem] = []
        for may_write, group in groupby(enumerate(calls), key=lambda one: self._may_write(one[1])):
            members = list(group)
            running = (
                self._run_journaled(turn, f"{step}.{position}", call) for position, call in members
            )
            if may_write or len(members) == 1:
                results += [await item for item in running]
            else:
                results += await _gather(running)
        return results

    def _may_write(self, call: ToolCall) -> bool:
        tool = self.tools.get(call.name)
        return tool is not None and tool.may_write

    async def _run_journaled(self, turn: Turn, step: str, call: ToolCall) -> ChatItem:
        """Take the result from the journal of an earlier attempt, else run the call and save it."""
        result = turn.journal.find(step, ToolResult)
        if result is None and turn.tool_calls_left <= 0:
            return build_tool_result_item(call.id, _NO_CALLS_LEFT)
        if result is None and turn.seconds_left <= 0:
            return build_tool_result_item(call.id, _NO_TIME_LEFT)
        turn.tool_calls_left -= 1
        if result is None:
            if call.error:
                result = ToolResult(content=f"Error: {call.error}")
            else:
                context = ToolContext(turn, step)
                result = await self._execute_tool_call(call.name, call.arguments, context)
            await turn.journal.save(step, result)
        turn.record_effects(step, result.effects)
        record = StepRecord(
            step=step,
            kind="tool",
            name=call.name,
            arguments=call.arguments,
            result=result.content,
            assistant_id=self.assistant_id,
            started_at=result.started_at,
            seconds=round(result.seconds, 3),
        )
        turn.steps.append(record)
        return build_tool_result_item(call.id, result.content)

    async def _execute_tool_call(
        self, function_name: str, arguments: JsonObject, context: ToolContext
    ) -> ToolResult:
        """Run one tool and measure it. An unknown name becomes a result that lists the tools."""
        tool = self.tools.get(function_name)
        if tool is None:
            names = ", ".join(self.tools) or "none"
            return ToolResult(
                content=f"Error: There is no tool {function_name!r}. The tools are: {names}."
            )
        if not tool.is_repeatable:  # what a later attempt finds if this one is interrupted
            await context.turn.journal.save(context.step, _OUTCOME_UNKNOWN)
        TOOL_CALLS.labels(tool.function).inc()
        started_at, started = utc_now(), time.monotonic()
        result = await tool.call(context, arguments)
        elapsed = time.monotonic() - started
        return result.model_copy(update={"started_at": started_at, "seconds": elapsed})


async def _gather(running: Iterable[Coroutine[Any, Any, ChatItem]]) -> list[ChatItem]:
    """Return all results, or raise the first error after all other coroutines were cancelled."""
    tasks = [asyncio.create_task(item) for item in running]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
