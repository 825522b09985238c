"""Assistants, and their loop: call a model, run the tools it asks for, call it again.

Assistants of type `openai_api` use the Responses API, which replaced the Assistants API. Nothing is
stored at OpenAI, so a repeated attempt duplicates nothing there, and any other model can continue
the conversation. Reasoning items come back to OpenAI encrypted, from our history.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, ClassVar, Self

from smart_kit.contracts.base import JsonObject, utc_now
from smart_kit.contracts.configuration import AssistantSnapshot
from smart_kit.contracts.models import ModelApi
from smart_kit.contracts.threads import ModelFailure, StepRecord
from smart_kit.errors import UpstreamError

from ..core.turn import MAX_TOOL_CALLS, Turn
from ..messages.completion import Completion
from ..messages.context_window import ContextWindow
from ..messages.conversation import Conversation
from ..messages.item import ChatItem
from ..services.models.client import ModelClient
from ..services.models.model_registry import ModelRegistry
from ..services.models.request import ModelRequest, PromptPrefix
from ..tools.base import BaseTool
from .base import BaseAssistant
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
        limit = MAX_TOOL_CALLS if record.max_tool_calls is None else record.max_tool_calls
        self._max_tool_calls = min(MAX_TOOL_CALLS, limit)
        offered = by_name.values() if self._max_tool_calls else ()
        self._prompt = PromptPrefix(record.instructions, tuple(tool.definition for tool in offered))
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
        with self._registry.keep_endpoints_open():
            return await self.run_with_assistant(turn, conversation)

    async def run_with_assistant(self, turn: Turn, conversation: Conversation) -> str:
        """See BaseAssistant. After the last allowed tool call the model has to answer. Steps in the
        journal of an earlier attempt are followed through, however many calls are allowed now."""
        number, calls_left = 0, self._max_tool_calls
        while True:
            number += 1
            step = f"{conversation.path}{number}"
            completion = turn.journal.find(step, Completion)
            may_call = completion is not None or min(calls_left, turn.tool_calls_left) > 0
            if completion is None:
                completion = await self._call_model(turn, conversation, step, may_call=may_call)
                if completion.calls and may_call:  # an answer ends the turn and needs no journal
                    completion = _refuse_excess_calls(completion, calls_left)
                    await turn.journal.save(step, completion)
            turn.steps.append(self._build_step_record(step, completion))
            if not (completion.calls and may_call):
                conversation.items.append(completion.text_item)
                return completion.text
            conversation.items.append(completion.item)
            turn.progress.kind = "tool"
            conversation.items += await self._tool_runner.run(turn, step, completion.calls)
            calls_left -= len(completion.calls)
            turn.progress.kind = "begin"

    async def _call_model(
        self, turn: Turn, conversation: Conversation, step: str, *, may_call: bool
    ) -> Completion:
        """Return the answer. Where no model answers, record the failed attempts with their costs,
        under the last model called."""
        is_shown = conversation.is_for_person and turn.progress.can_show_text
        request = ModelRequest(
            prompt=self._prompt,
            conversation=conversation,
            key=f"{turn.message_id}/{step}",
            may_call_tools=may_call,
            overrides=self._overrides,
            api=self.api,
            listener=turn.progress if is_shown else None,
        )
        failures: list[ModelFailure] = []
        started_at = utc_now()
        try:
            return await self._client.complete(self._chain, request, turn, failures)
        except UpstreamError:
            last = failures[-1] if failures else ModelFailure(model="", provider="", reason="")
            record = StepRecord(
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
            turn.steps.append(record)
            raise

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


class SecretaryLLMChat(LLMChat):
    """Talks to users: sees the history of the thread, and its answer goes to the user."""

    def open_conversation(self, turn: Turn, text: str, history: Sequence[ChatItem]) -> Conversation:
        """Return the history, continued with the user's text."""
        conversation = Conversation(history)
        self.add_user_message(turn, conversation, text)
        return conversation


class SubAssistantLLMChat(LLMChat):
    """Sees only the message it is called with; its answer goes to the calling assistant."""

    def open_conversation(self, turn: Turn, text: str, step: str) -> Conversation:
        """Return a new conversation, whose steps are numbered below the tool call's `step`."""
        conversation = Conversation(path=f"{step}.")
        self.add_user_message(turn, conversation, text)
        return conversation


class OpenAIAssistant(LLMChat):
    """Calls every model by the Responses API, unless its server lacks that API."""

    api = "responses"


class OpenAISecretary(OpenAIAssistant, SecretaryLLMChat):
    """A secretary of type `openai_api`."""


class OpenAISubAssistant(OpenAIAssistant, SubAssistantLLMChat):
    """A sub-assistant of type `openai_api`."""


def _refuse_excess_calls(completion: Completion, calls_left: int) -> Completion:
    """Mark the calls beyond the limit with an error, so that every attempt skips the same ones."""
    calls = (
        call if position < calls_left else call.model_copy(update={"error": _NO_CALLS_LEFT})
        for position, call in enumerate(completion.calls)
    )
    return completion.model_copy(update={"calls": tuple(calls)})
