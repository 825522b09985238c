"""Builds assistants from the records of one configuration, also as tools of other assistants."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar
from uuid import UUID

from smart_kit.contracts.assistants import AssistantType
from smart_kit.contracts.builtin_functions import find_function
from smart_kit.contracts.configuration import (
    AssistantSnapshot,
    ConfigurationSnapshot,
    ModelSnapshot,
    ToolSnapshot,
)
from smart_kit.errors import ToolExecutionError

from ..messages.context_window import ContextWindow
from ..services.models.client import ModelClient
from ..services.models.model_registry import ModelRegistry
from ..tools.base import ToolContext, ToolServices
from ..tools.rest_service_tool import RestServiceTool
from .llm_chat import (
    LLMChat,
    OpenAISecretary,
    OpenAISubAssistant,
    SecretaryLLMChat,
    SubAssistantLLMChat,
)

LLMChatT = TypeVar("LLMChatT", bound=LLMChat)


class AssistantClasses(NamedTuple):
    """The classes of one assistant type."""

    main: type[SecretaryLLMChat]
    sub: type[SubAssistantLLMChat]


ASSISTANT_TYPES: Mapping[AssistantType, AssistantClasses] = {
    "llm": AssistantClasses(SecretaryLLMChat, SubAssistantLLMChat),
    "openai_api": AssistantClasses(OpenAISecretary, OpenAISubAssistant),
}


@dataclass(frozen=True)
class ToolAssistant:
    """An assistant as a tool of another one. It runs within the turn of the tool call. It is
    created with its first call, because assistants may call each other."""

    record: AssistantSnapshot | None
    """None: the assistant is not active."""
    create_assistant: Callable[[UUID], SubAssistantLLMChat | None]

    @property
    def may_write(self) -> bool:
        """Whether a call could change something: one of the assistant's tools might."""
        return self.record is not None and any(map(_may_write, self.record.tools))

    async def run(self, context: ToolContext, message: str) -> str:
        """Return the assistant's answer to the message. Raises UpstreamError if no model
        answers, ToolExecutionError if the assistant is not active."""
        assistant = None if self.record is None else self.create_assistant(self.record.id)
        if assistant is None:
            raise ToolExecutionError("The assistant is not active.")
        conversation = assistant.open_conversation(context.turn, message, context.step)
        return await assistant.process_message(context.turn, conversation)


class AssistantFactory:
    """Builds and keeps the assistants of one configuration. A running turn keeps the assistants of
    the configuration it started with."""

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
            get_assistant=self._get_tool_assistant,
            secrets=self.configuration.secrets,
        )
        self._records = {record.id: record for record in self.configuration.assistants}
        self.secretaries = [one for one in self.configuration.assistants if one.is_secretary]
        """The assistants that users may choose."""
        self._main: dict[tuple[UUID, str | None], SecretaryLLMChat] = {}
        self._sub: dict[UUID, SubAssistantLLMChat] = {}

    @property
    def user_selectable_models(self) -> list[ModelSnapshot]:
        """The models that users may choose."""
        models = self.configuration.models
        return [one for one in models if self._registry.is_user_selectable(one.name)]

    def create_main_assistant(
        self, assistant_id: UUID | None, model: str | None = None
    ) -> SecretaryLLMChat | None:
        """Return the user's assistant with the user's model; None: no secretary is active. An
        assistant or model that may no longer be chosen is replaced by the default one."""
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
        """Return the assistant as other assistants call it; None: it is not active."""
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

    def _get_tool_assistant(self, assistant_id: UUID) -> ToolAssistant:
        return ToolAssistant(self._records.get(assistant_id), self.create_sub_assistant)


def _may_write(tool: ToolSnapshot) -> bool:
    if tool.tool_type == "rest":
        return tool.effect_class == "writes"
    function = find_function(tool.tool_type, tool.name)
    return (
        tool.tool_type == "sub_assistant" or function is None or function.effect_class == "writes"
    )
