"""Builds the step records of a turn: its model calls and tool calls, as the archive keeps them."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from smart_kit.contracts.base import utc_now
from smart_kit.contracts.threads import ModelFailure, StepRecord

from ..core.journal import ToolResult
from ..messages.completion import Completion, ToolCall


def record_completion(step: str, assistant_id: UUID, completion: Completion) -> StepRecord:
    """Return the record of a model call that was answered."""
    return StepRecord(
        step=step,
        kind="model",
        name=completion.model,
        result=completion.text,
        provider=completion.provider,
        assistant_id=assistant_id,
        prompt_tokens=completion.prompt_tokens,
        cached_tokens=completion.cached_tokens,
        completion_tokens=completion.completion_tokens,
        cost=completion.cost,
        finish_reason=completion.finish_reason,
        failures=completion.failures,
        started_at=completion.started_at,
        seconds=round(completion.seconds, 3),
    )


def record_failed_model_call(
    step: str, assistant_id: UUID, failures: Sequence[ModelFailure], started_at: datetime
) -> StepRecord:
    """Return the record of a model call that no model answered, under the last model called."""
    last = failures[-1] if failures else ModelFailure(model="", provider="", reason="")
    return StepRecord(
        step=step,
        kind="model",
        name=last.model,
        provider=last.provider,
        assistant_id=assistant_id,
        is_answered=False,
        cost=Decimal(0),
        failures=tuple(failures),
        started_at=started_at,
        seconds=round((utc_now() - started_at).total_seconds(), 3),
    )


def record_tool_call(
    step: str, assistant_id: UUID, call: ToolCall, result: ToolResult
) -> StepRecord:
    """Return the record of a tool call."""
    return StepRecord(
        step=step,
        kind="tool",
        name=call.name,
        arguments=call.arguments,
        result=result.content,
        assistant_id=assistant_id,
        started_at=result.started_at,
        seconds=round(result.seconds, 3),
    )
