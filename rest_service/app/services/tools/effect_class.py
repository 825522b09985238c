"""What a tool may do: nothing outside, read there, or write."""

from smart_kit.contracts.functions import find_function
from smart_kit.contracts.tools import EffectClass

from ...models import Tool


def resolve_effect_class(tool: Tool) -> EffectClass:
    """Its function's; without one what the record says, else the most careful."""
    function = find_function(tool.tool_type, tool.name)
    return function.effect_class if function else tool.effect_class or "writes"
