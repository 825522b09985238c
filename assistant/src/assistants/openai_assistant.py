"""Assistants of type `openai_api`: over the Responses API, which replaced the Assistants API.

Nothing is stored at OpenAI, so a repeated attempt duplicates nothing there, and any other model can
continue the conversation. Reasoning items come back to OpenAI encrypted, from our history.
"""

from .llm_chat import LLMChat
from .secretary import SecretaryLLMChat
from .sub_assistant import SubAssistantLLMChat


class OpenAIAssistant(LLMChat):
    """Calls every model by the Responses API, unless its server lacks that API."""

    api = "responses"


class OpenAISecretary(OpenAIAssistant, SecretaryLLMChat):
    """Talks to users."""


class OpenAISubAssistant(OpenAIAssistant, SubAssistantLLMChat):
    """Is called by other assistants."""
