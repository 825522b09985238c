"""Builds assistants from the records of one configuration."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple, TypeVar
from uuid import UUID

from smart_kit.contracts.assistants import AssistantType
from smart_kit.contracts.configuration import (
    AssistantSnapshot,
    ConfigurationSnapshot,
    ToolSnapshot,
)
from smart_kit.contracts.functions import function_of
from smart_kit.errors import ToolExecutionError

from ..services.model_client import ModelClient
from ..tools.base import ToolContext, ToolServices
from ..tools.rest_service_tool import RestServiceTool
from .llm_chat import LLMChat
from .secretary import SecretaryLLMChat
from .sub_assistant import SubAssistantLLMChat

LLMChatT = TypeVar("LLMChatT", bound=LLMChat)


class AssistantClasses(NamedTuple):
    """What a record becomes: for a person, and for another assistant."""

    main: type[SecretaryLLMChat]
    sub: type[SubAssistantLLMChat]


ASSISTANT_TYPES: Mapping[AssistantType, AssistantClasses] = {
    "llm": AssistantClasses(SecretaryLLMChat, SubAssistantLLMChat),
    # The Assistants API that these records were made for is gone. They run over Chat Completions
    # too until the Responses API has its issue (docs/decisions/0006).
    "openai_api": AssistantClasses(SecretaryLLMChat, SubAssistantLLMChat),
}


class AssistantFactory:
    """One for each configuration, with what was built from it: a running turn keeps its own."""

    def __init__(
        self, configuration: ConfigurationSnapshot, model: ModelClient, services: ToolServices
    ) -> None:
        self.configuration = configuration
        self._model = model
        self._services = replace(services, ask=self._ask, may_write=self._may_write)
        self._records = {record.id: record for record in configuration.assistants}
        self._main: dict[UUID, SecretaryLLMChat] = {}
        self._sub: dict[UUID, SubAssistantLLMChat] = {}

    def create_main_assistant(self, chosen: UUID | None) -> SecretaryLLMChat | None:
        """The one the person chose, if it is active, else the default secretary, if any."""
        record = self._records.get(chosen) if chosen else None
        if record is None:
            record = next((one for one in self.configuration.assistants if one.is_secretary), None)
        if record is None:
            return None
        if record.id not in self._main:
            self._main[record.id] = self._build(record, ASSISTANT_TYPES[record.assistant_type].main)
        return self._main[record.id]

    def create_sub_assistant(self, assistant_id: UUID) -> SubAssistantLLMChat | None:
        """The one that answers other assistants; None where it is not active."""
        record = self._records.get(assistant_id)
        if record is None:
            return None
        if record.id not in self._sub:
            self._sub[record.id] = self._build(record, ASSISTANT_TYPES[record.assistant_type].sub)
        return self._sub[record.id]

    def _build(self, record: AssistantSnapshot, made: type[LLMChatT]) -> LLMChatT:
        tools = (RestServiceTool(tool, self._services).to_tool() for tool in record.tools)
        return made(record, self._model, [tool for tool in tools if tool is not None])

    async def _ask(self, assistant_id: UUID, context: ToolContext, message: str) -> str:
        """What a SubAssistantTool calls."""
        assistant = self.create_sub_assistant(assistant_id)
        if assistant is None:
            raise ToolExecutionError("The assistant to be asked is not active.")
        conversation = assistant.open(context.turn, message, context.step)
        return await assistant.process_message(context.turn, conversation)

    def _may_write(self, assistant_id: UUID) -> bool:
        """Whether asking it could change anything; whoever asks others in turn might."""
        record = self._records.get(assistant_id)
        return record is not None and any(map(_is_more_than_reading, record.tools))


def _is_more_than_reading(tool: ToolSnapshot) -> bool:
    function = function_of(tool.tool_type, tool.name)
    return (
        tool.tool_type == "sub_assistant" or function is None or function.effect_class == "writes"
    )
