"""Extras: fields that providers add to their models' messages and may require in all messages."""

from collections.abc import Mapping

from smart_kit.contracts.base import JsonObject

EXTRA_KEYS = ("reasoning_content", "reasoning_details", "reasoning", "extra_content")
"""Fields that providers add to an assistant's message; some reject what others require."""
DEFAULT_EXTRAS: Mapping[str, JsonObject] = {
    # as DeepSeek documents it; also where the model has not reasoned
    "reasoning_content": {"keys": {"reasoning_content": ""}},
    # Google's placeholder for calls of another model (ai.google.dev, thought signatures)
    "thought_signature": {
        "call": {
            "extra_content": {"google": {"thought_signature": "skip_thought_signature_validator"}}
        }
    },
}
"""Values for messages of other models, by the name in the error that demands the field."""


def extra_keys_for(name: str) -> frozenset[str]:
    """Return the keys, in a message or a call, under which the extra of this name stands."""
    default = DEFAULT_EXTRAS.get(name)
    return frozenset(
        {name} if default is None else {key for keys in default.values() for key in keys}
    )
