"""What providers add to a message of their models, and miss at those of others."""

from collections.abc import Mapping

from smart_kit.contracts.base import JsonObject

EXTRA_KEYS = ("reasoning_content", "reasoning_details", "reasoning", "extra_content")
"""What providers add to an assistant's message; some refuse what others demand."""
DEFAULT_EXTRAS: Mapping[str, JsonObject] = {
    # as its documentation has it: also where it has thought nothing
    "reasoning_content": {"keys": {"reasoning_content": ""}},
    # Google's word for calls that another model made (ai.google.dev, thought signatures)
    "thought_signature": {
        "call": {
            "extra_content": {"google": {"thought_signature": "skip_thought_signature_validator"}}
        }
    },
}
"""What a model may miss at the calls of another one, by the name it is missed by."""


def extra_keys_for(name: str) -> frozenset[str]:
    """The keys in a message or a call that an addition of this name stands under."""
    default = DEFAULT_EXTRAS.get(name)
    return frozenset(
        {name} if default is None else {key for keys in default.values() for key in keys}
    )
