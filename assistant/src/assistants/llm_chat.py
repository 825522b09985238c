"""An assistant that is a loop: asks a model, runs the tools it calls, asks again."""

from collections.abc import Sequence
from copy import copy
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Self

from smart_kit.contracts.base import JsonObject, utc_now
from smart_kit.contracts.configuration import AssistantSnapshot
from smart_kit.contracts.models import ModelApi
from smart_kit.contracts.threads import ModelFailure, StepRecord
from smart_kit.errors import UpstreamError

from ..core.errors import ContextLengthExceeded
from ..core.journal import ToolResult
from ..core.turn import MAX_TOOL_CALLS, Turn
from ..messages.completion import Completion
from ..messages.context_window import ContextWindow
from ..messages.conversation import Conversation
from ..services.models.client import ModelClient
from ..services.models.model_registry import ModelRegistry
from ..services.models.request import ModelRequest, Prompt
from ..tools.base import BaseTool, ToolContext
from .base import BaseAssistant
from .tool_runner import ToolRunner

_NO_CALLS_LEFT = (
    "Not run: no more tool calls are allowed. Answer with what you have, and say what is left"
    " undone."
)


class LLMChat(BaseAssistant):
    """Instructions and tools are dumped once: each request begins with the same bytes."""

    api: ClassVar[ModelApi | None] = None
    """By which models are asked; None: each as its record says."""

    def __init__(
        self,
        record: AssistantSnapshot,
        tools: Sequence[BaseTool[Any]],
        client: ModelClient,
        registry: ModelRegistry,
        window: ContextWindow,
    ) -> None:
        super().__init__(record, window)
        self._record = record
        self._tools = {tool.name: tool for tool in sorted(tools, key=lambda tool: tool.name)}
        self._client = client
        self._registry = registry
        self._chain = registry.resolve_chain(record)
        self._max_tool_calls = min(
            MAX_TOOL_CALLS, _value_or_default(record.max_tool_calls, MAX_TOOL_CALLS)
        )
        offered = self._tools.values() if self._max_tool_calls else ()
        self._prompt = Prompt(record.instructions, tuple(tool.definition for tool in offered))
        given = {"temperature": record.temperature, "max_tokens": record.max_output_tokens}
        self._overrides = {name: value for name, value in given.items() if value is not None}
        self._tool_runner = ToolRunner(self._tools, self.id, self._execute_tool_call)

    def update_assistant(
        self,
        tools: Sequence[BaseTool[Any]] | None = None,
        instructions: str | None = None,
        model: str | None = None,
        name: str | None = None,
    ) -> Self:
        """See BaseAssistant."""
        given: JsonObject = {"instructions": instructions, "model": model, "name": name}
        if model is not None:
            given["fallback_models"] = tuple(one.name for one in self._chain)
        changes = {field: value for field, value in given.items() if value is not None}
        return type(self)(
            self._record.model_copy(update=changes),
            tuple(self._tools.values()) if tools is None else tools,
            self._client,
            self._registry,
            self.window,
        )

    async def process_message(self, turn: Turn, conversation: Conversation) -> str:
        """See BaseAssistant."""
        with self._registry.pin():
            return await self.run_with_assistant(turn, conversation)

    async def run_with_assistant(self, turn: Turn, conversation: Conversation) -> str:
        """See BaseAssistant. After the last tool call the model has to answer; what an earlier
        attempt began is followed through, however many calls are allowed by now."""
        number, calls_left = 0, self._max_tool_calls
        while True:
            number += 1
            step = f"{conversation.path}{number}"
            journaled = turn.journal.find(step, Completion)
            may_call = journaled is not None or min(calls_left, turn.tool_calls_left) > 0
            completion = journaled or await self._call_model(
                turn, conversation, step, may_call=may_call
            )
            if completion.calls and may_call and journaled is None:
                completion = _limit_calls(completion, calls_left)
                await turn.journal.save(step, completion)  # what ends the turn needs no write
            turn.steps.append(self._build_step_record(step, completion))
            if not (completion.calls and may_call):
                conversation.items.append(completion.text_item)
                return completion.text
            conversation.items.append(completion.item)
            turn.progress.on_tool_calls()
            conversation.items += await self._tool_runner.run(turn, step, completion.calls)
            calls_left -= len(completion.calls)
            turn.progress.on_model_call()

    async def _call_model(
        self, turn: Turn, conversation: Conversation, step: str, *, may_call: bool
    ) -> Completion:
        """Ask; what it cost and why is recorded where nobody answers, too."""
        failures: list[ModelFailure] = []
        started_at = utc_now()
        try:
            return await self._complete_within_context(
                turn, conversation, step, failures, may_call=may_call
            )
        except UpstreamError:
            turn.steps.append(self._build_failed_step_record(step, failures, started_at))
            raise

    async def _complete_within_context(
        self,
        turn: Turn,
        conversation: Conversation,
        step: str,
        failures: list[ModelFailure],
        *,
        may_call: bool,
    ) -> Completion:
        """Where the conversation is too long for a model, it is asked with ever shorter ones; then
        those after it with the whole."""
        chain = [one for one in self._chain if one.name not in conversation.too_long_for]
        original = copy(conversation)
        while True:
            request = self._build_request(turn, conversation, step, may_call=may_call)
            try:
                return await self._client.complete(chain, request, turn, failures)
            except ContextLengthExceeded:
                at = next(at for at, one in enumerate(chain) if one.name == failures[-1].model)
                if conversation.shorten():
                    chain = chain[at:]
                elif chain := chain[at + 1 :]:
                    conversation.too_long_for.add(failures[-1].model)
                    conversation.restore(original)
                else:
                    raise

    def _build_request(
        self, turn: Turn, conversation: Conversation, step: str, *, may_call: bool
    ) -> ModelRequest:
        return ModelRequest(
            prompt=self._prompt,
            items=conversation.all_items,
            key=f"{turn.message_id}/{step}",
            may_call_tools=may_call,
            overrides=self._overrides,
            api=self.api,
            listener=turn.progress if conversation.is_for_person else None,
        )

    def _build_step_record(self, step: str, completion: Completion) -> StepRecord:
        return StepRecord(
            step=step,
            kind="model",
            name=completion.model,
            result=completion.text,
            provider=completion.provider,
            assistant_id=self.id,
            prompt_tokens=completion.prompt_tokens,
            cached_tokens=completion.cached_tokens,
            completion_tokens=completion.completion_tokens,
            cost=completion.cost,
            finish_reason=completion.finish_reason,
            failures=completion.failures,
            started_at=completion.started_at,
            seconds=round(completion.seconds, 3),
        )

    def _build_failed_step_record(
        self, step: str, failures: Sequence[ModelFailure], started_at: datetime
    ) -> StepRecord:
        last = failures[-1] if failures else ModelFailure(model="", provider="", reason="")
        return StepRecord(
            step=step,
            kind="model",
            name=last.model,
            provider=last.provider,
            assistant_id=self.id,
            is_answered=False,
            cost=Decimal(0),
            failures=tuple(failures),
            started_at=started_at,
            seconds=round((utc_now() - started_at).total_seconds(), 3),
        )

    async def _execute_tool_call(
        self, function_name: str, arguments: JsonObject, context: ToolContext
    ) -> ToolResult:
        """See BaseAssistant."""
        return await self._tools[function_name].call(context, arguments)


def _limit_calls(completion: Completion, calls_left: int) -> Completion:
    """With a word at the calls that are too many, so that every attempt leaves out the same."""
    calls = (
        call if position < calls_left else call.model_copy(update={"error": _NO_CALLS_LEFT})
        for position, call in enumerate(completion.calls)
    )
    return completion.model_copy(update={"calls": tuple(calls)})


def _value_or_default(value: int | None, default: int) -> int:
    return default if value is None else value
