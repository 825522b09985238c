"""Builds assistants from the records of one configuration."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple, TypeVar
from uuid import UUID

from smart_kit.contracts.assistants import AssistantType
from smart_kit.contracts.configuration import (
    AssistantSnapshot,
    ConfigurationSnapshot,
    ModelSnapshot,
    ToolSnapshot,
)
from smart_kit.contracts.functions import find_function
from smart_kit.errors import ToolExecutionError

from ..messages.context_window import ContextWindow
from ..services.models.client import ModelClient
from ..services.models.model_registry import ModelRegistry
from ..tools.base import ToolContext, ToolServices
from ..tools.rest_service_tool import RestServiceTool
from .llm_chat import LLMChat
from .openai_assistant import OpenAISecretary, OpenAISubAssistant
from .secretary import SecretaryLLMChat
from .sub_assistant import SubAssistantLLMChat

LLMChatT = TypeVar("LLMChatT", bound=LLMChat)


class AssistantClasses(NamedTuple):
    """What a record becomes: for a person, and for another assistant."""

    main: type[SecretaryLLMChat]
    sub: type[SubAssistantLLMChat]


ASSISTANT_TYPES: Mapping[AssistantType, AssistantClasses] = {
    "llm": AssistantClasses(SecretaryLLMChat, SubAssistantLLMChat),
    "openai_api": AssistantClasses(OpenAISecretary, OpenAISubAssistant),
}


class AssistantFactory:
    """One for each configuration, with what was built from it: a running turn keeps its own."""

    def __init__(
        self,
        registry: ModelRegistry,
        client: ModelClient,
        services: ToolServices,
        window: ContextWindow,
    ) -> None:
        self.configuration: ConfigurationSnapshot = registry.configuration
        self._registry = registry
        self._client = client
        self._window = window
        self._services = replace(
            services,
            ask_assistant=self._ask_assistant,
            assistant_may_write=self._assistant_may_write,
            secrets=self.configuration.secrets,
        )
        self._records = {record.id: record for record in self.configuration.assistants}
        self.secretaries = [one for one in self.configuration.assistants if one.is_secretary]
        """Whom people may choose."""
        self._main: dict[tuple[UUID, str | None], SecretaryLLMChat] = {}
        self._sub: dict[UUID, SubAssistantLLMChat] = {}

    @property
    def user_selectable_models(self) -> list[ModelSnapshot]:
        """Those that people may choose."""
        models = self.configuration.models
        return [one for one in models if self._registry.is_user_selectable(one.name)]

    def create_main_assistant(
        self, assistant_id: UUID | None, model: str | None = None
    ) -> SecretaryLLMChat | None:
        """The one the person chose, if they still may, else the default secretary, if any; with the
        model they chose, if they still may."""
        if not self.secretaries:
            return None
        wanted = (one for one in self.secretaries if one.id == assistant_id)
        record = next(wanted, self.secretaries[0])
        if model is not None and not self._registry.is_user_selectable(model):
            model = None
        key = (record.id, model)
        if key not in self._main:
            assistant = self._build_assistant(record, ASSISTANT_TYPES[record.assistant_type].main)
            self._main[key] = assistant.update_assistant(model=model)
        return self._main[key]

    def create_sub_assistant(self, assistant_id: UUID) -> SubAssistantLLMChat | None:
        """The one that answers other assistants; None where it is not active."""
        record = self._records.get(assistant_id)
        if record is None:
            return None
        if record.id not in self._sub:
            self._sub[record.id] = self._build_assistant(
                record, ASSISTANT_TYPES[record.assistant_type].sub
            )
        return self._sub[record.id]

    def _build_assistant(
        self, record: AssistantSnapshot, assistant_class: type[LLMChatT]
    ) -> LLMChatT:
        tools = (RestServiceTool(tool, self._services).to_tool() for tool in record.tools)
        known = [tool for tool in tools if tool is not None]
        return assistant_class(
            record, known, self._client, self._registry, self._window.for_assistant(record)
        )

    async def _ask_assistant(self, assistant_id: UUID, context: ToolContext, message: str) -> str:
        """What a SubAssistantTool calls."""
        assistant = self.create_sub_assistant(assistant_id)
        if assistant is None:
            raise ToolExecutionError("The assistant to be asked is not active.")
        conversation = assistant.open_conversation(context.turn, message, context.step)
        return await assistant.process_message(context.turn, conversation)

    def _assistant_may_write(self, assistant_id: UUID) -> bool:
        """Whether asking it could change anything; whoever asks others in turn might."""
        record = self._records.get(assistant_id)
        return record is not None and any(map(_has_side_effects, record.tools))


def _has_side_effects(tool: ToolSnapshot) -> bool:
    if tool.tool_type == "rest":
        return tool.effect_class == "writes"
    function = find_function(tool.tool_type, tool.name)
    return (
        tool.tool_type == "sub_assistant" or function is None or function.effect_class == "writes"
    )
