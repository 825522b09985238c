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
from smart_kit.contracts.functions import function_of
from smart_kit.errors import ToolExecutionError

from ..messages.window import Window
from ..services.models.catalogue import Catalogue
from ..services.models.client import ModelClient
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
        self, catalogue: Catalogue, client: ModelClient, services: ToolServices, window: Window
    ) -> None:
        self.configuration: ConfigurationSnapshot = catalogue.configuration
        self._catalogue = catalogue
        self._client = client
        self._window = window
        self._services = replace(
            services,
            ask=self._ask,
            may_write=self._may_write,
            secrets=self.configuration.secrets,
        )
        self._records = {record.id: record for record in self.configuration.assistants}
        self.secretaries = [one for one in self.configuration.assistants if one.is_secretary]
        """Whom people may choose."""
        self._main: dict[tuple[UUID, str | None], SecretaryLLMChat] = {}
        self._sub: dict[UUID, SubAssistantLLMChat] = {}

    @property
    def choosable_models(self) -> list[ModelSnapshot]:
        """Those that people may choose."""
        models = self.configuration.models
        return [one for one in models if self._catalogue.is_choosable(one.name)]

    def create_main_assistant(
        self, chosen: UUID | None, model: str | None = None
    ) -> SecretaryLLMChat | None:
        """The one the person chose, if they still may, else the default secretary, if any; with the
        model they chose, if they still may."""
        if not self.secretaries:
            return None
        wanted = (one for one in self.secretaries if one.id == chosen)
        record = next(wanted, self.secretaries[0])
        if model is not None and not self._catalogue.is_choosable(model):
            model = None
        key = (record.id, model)
        if key not in self._main:
            made = self._build(record, ASSISTANT_TYPES[record.assistant_type].main)
            self._main[key] = made.update_assistant(model=model)
        return self._main[key]

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
        known = [tool for tool in tools if tool is not None]
        return made(record, known, self._client, self._catalogue, self._window.of(record))

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
    if tool.tool_type == "rest":
        return tool.effect_class == "writes"
    function = function_of(tool.tool_type, tool.name)
    return (
        tool.tool_type == "sub_assistant" or function is None or function.effect_class == "writes"
    )
