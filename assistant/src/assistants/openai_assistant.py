"""Assistants of OpenAI's own kind: over the Responses API, which took the place of Assistants.

Statelessly: OpenAI keeps nothing, so that an attempt that is made again says nothing twice there,
and another model can go on at any time. Its thinking comes back to it encrypted, in our history.
"""

from .llm_chat import LLMChat
from .secretary import SecretaryLLMChat
from .sub_assistant import SubAssistantLLMChat


class OpenAIAssistant(LLMChat):
    """Asks every model by the Responses API whose server has it, whatever its record says."""

    api = "responses"


class OpenAISecretary(OpenAIAssistant, SecretaryLLMChat):
    """Talks to people."""


class OpenAISubAssistant(OpenAIAssistant, SubAssistantLLMChat):
    """Is asked by other assistants."""
