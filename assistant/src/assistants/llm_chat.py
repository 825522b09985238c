"""An assistant over Chat Completions: asks the model, runs the tools it calls, asks again."""

from collections.abc import Sequence
from typing import Any

from smart_kit.contracts.configuration import AssistantSnapshot
from smart_kit.contracts.threads import StepRecord

from ..core.errors import ContextTooLong
from ..core.turn import Turn
from ..messages.completion import Completion
from ..messages.conversation import Conversation
from ..messages.item import Item, encode
from ..services.model_client import ModelClient
from ..services.model_request import ModelRequest
from ..tools.base import BaseTool
from .base import BaseAssistant
from .tool_calls import ToolCalls


class LLMChat(BaseAssistant):
    """The loop. Instructions and tools are dumped once: each request begins with the same bytes."""

    def __init__(
        self, record: AssistantSnapshot, model: ModelClient, tools: Sequence[BaseTool[Any]]
    ) -> None:
        super().__init__(record)
        by_name = sorted(tools, key=lambda tool: tool.name)
        self._model_name = record.model
        self._model = model
        self._calls = ToolCalls(by_name)
        self._system = encode({"role": "system", "content": record.instructions})
        self._tools = encode([tool.definition for tool in by_name]) if by_name else ""

    async def process_message(self, turn: Turn, conversation: Conversation) -> str:
        """See BaseAssistant. After the turn's last tool call the model has to answer."""
        number = 0
        while True:
            number += 1
            step = f"{conversation.path}{number}"
            may_call = turn.tool_calls_left > 0
            completion = await self._completion(turn, conversation, step, may_call=may_call)
            if not (completion.calls and may_call):
                conversation.items.append(Item.of(completion.words, completion.model))
                return completion.text
            conversation.items.append(Item.of(completion.message, completion.model))
            turn.frames.tools_run()
            conversation.items += await self._calls.run(turn, step, completion.calls)
            turn.frames.model_thinks()

    async def _completion(
        self, turn: Turn, conversation: Conversation, step: str, *, may_call: bool
    ) -> Completion:
        """The model's answer, of an earlier attempt if there was one."""
        completion = turn.journal.find(step, Completion)
        if completion is None:
            completion = await self._ask(turn, conversation, step, may_call=may_call)
            if completion.calls and may_call:  # what only ends the turn needs no write of its own
                await turn.journal.keep(step, completion)
        turn.steps.append(
            StepRecord(
                step=step,
                kind="model",
                name=completion.model,
                result=completion.text,
                prompt_tokens=completion.prompt_tokens,
                completion_tokens=completion.completion_tokens,
                seconds=round(completion.seconds, 3),
            )
        )
        return completion

    async def _ask(
        self, turn: Turn, conversation: Conversation, step: str, *, may_call: bool
    ) -> Completion:
        """Ask; where the conversation is too long for the model, once more with a shorter one."""
        request = self._request(turn, conversation, step, may_call=may_call)
        try:
            return await self._model.complete(request, turn.deadline, turn.models_down)
        except ContextTooLong:
            if not conversation.shorten():
                raise
        request = self._request(turn, conversation, step, may_call=may_call)
        return await self._model.complete(request, turn.deadline, turn.models_down)

    def _request(
        self, turn: Turn, conversation: Conversation, step: str, *, may_call: bool
    ) -> ModelRequest:
        return ModelRequest(
            model=self._model_name,
            system=self._system,
            tools=self._tools,
            items=conversation.all_items,
            key=f"{turn.message_id}/{step}",
            may_call=may_call,
        )
