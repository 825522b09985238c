"""The loop of an assistant: calls a model, runs the tools it asks for, calls it again."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Self

from smart_kit.contracts.base import JsonObject, utc_now
from smart_kit.contracts.configuration import AssistantSnapshot
from smart_kit.contracts.models import ModelApi
from smart_kit.contracts.threads import ModelFailure
from smart_kit.errors import UpstreamError

from ..core.turn import MAX_TOOL_CALLS, Turn
from ..messages.completion import Completion
from ..messages.context_window import ContextWindow
from ..messages.conversation import Conversation
from ..services.models.client import ModelClient
from ..services.models.model_registry import ModelRegistry
from ..services.models.request import ModelRequest, Prompt
from ..tools.base import BaseTool
from .base import BaseAssistant
from .step_records import record_completion, record_failed_model_call
from .tool_runner import ToolRunner

_NO_CALLS_LEFT = (
    "Not run: no more tool calls are allowed. Answer with what you have, and say what is left"
    " undone."
)


class LLMChat(BaseAssistant):
    """An assistant that calls models with its instructions and tools."""

    api: ClassVar[ModelApi | None] = None
    """The API of all model calls; None: the one in each model's record."""

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
        self._client = client
        self._registry = registry
        self._chain = registry.resolve_chain(record)
        by_name = {tool.name: tool for tool in sorted(tools, key=lambda tool: tool.name)}
        self._tool_runner = ToolRunner(by_name, self.id)
        self._max_tool_calls = (
            MAX_TOOL_CALLS
            if record.max_tool_calls is None
            else min(MAX_TOOL_CALLS, record.max_tool_calls)
        )
        offered = by_name.values() if self._max_tool_calls else ()
        self._prompt = Prompt(record.instructions, tuple(tool.definition for tool in offered))
        given = {"temperature": record.temperature, "max_tokens": record.max_output_tokens}
        self._overrides = {name: value for name, value in given.items() if value is not None}

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
            tuple(self._tool_runner.tools.values()) if tools is None else tools,
            self._client,
            self._registry,
            self.window,
        )

    async def process_message(self, turn: Turn, conversation: Conversation) -> str:
        """See BaseAssistant."""
        with self._registry.pin():
            return await self.run_with_assistant(turn, conversation)

    async def run_with_assistant(self, turn: Turn, conversation: Conversation) -> str:
        """See BaseAssistant.

        After the last allowed tool call the model has to answer. Steps in the journal of an earlier
        attempt are followed through, however many calls are allowed now.
        """
        number, calls_left = 0, self._max_tool_calls
        while True:
            number += 1
            step = f"{conversation.path}{number}"
            completion = turn.journal.find(step, Completion)
            may_call = completion is not None or min(calls_left, turn.tool_calls_left) > 0
            if completion is None:
                request = self._build_request(turn, conversation, step, may_call=may_call)
                with self._record_failure(turn, step) as failures:
                    completion = await self._client.complete(self._chain, request, turn, failures)
                if completion.calls and may_call:  # an answer ends the turn and needs no journal
                    completion = _limit_calls(completion, calls_left)
                    await turn.journal.save(step, completion)
            turn.steps.append(record_completion(step, self.id, completion))
            if not (completion.calls and may_call):
                conversation.items.append(completion.text_item)
                return completion.text
            conversation.items.append(completion.item)
            turn.progress.on_tool_calls()
            conversation.items += await self._tool_runner.run(turn, step, completion.calls)
            calls_left -= len(completion.calls)
            turn.progress.on_model_call()

    def _build_request(
        self, turn: Turn, conversation: Conversation, step: str, *, may_call: bool
    ) -> ModelRequest:
        return ModelRequest(
            prompt=self._prompt,
            conversation=conversation,
            key=f"{turn.message_id}/{step}",
            may_call_tools=may_call,
            overrides=self._overrides,
            api=self.api,
            listener=turn.progress if conversation.is_for_person else None,
        )

    @contextlib.contextmanager
    def _record_failure(self, turn: Turn, step: str) -> Iterator[list[ModelFailure]]:
        """Yield a list for failed attempts; if no model answers, record it with their costs."""
        failures: list[ModelFailure] = []
        started_at = utc_now()
        try:
            yield failures
        except UpstreamError:
            turn.steps.append(record_failed_model_call(step, self.id, failures, started_at))
            raise


def _limit_calls(completion: Completion, calls_left: int) -> Completion:
    """Mark the calls beyond the limit with an error, so that every attempt skips the same ones."""
    calls = (
        call if position < calls_left else call.model_copy(update={"error": _NO_CALLS_LEFT})
        for position, call in enumerate(completion.calls)
    )
    return completion.model_copy(update={"calls": tuple(calls)})
