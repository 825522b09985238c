"""What a tool may do: nothing outside, read there, or write."""

from smart_kit.contracts.functions import function_of
from smart_kit.contracts.tools import EffectClass

from ..models import Tool


def effective_class(tool: Tool) -> EffectClass:
    """Its function's; without one what the record says, else the most careful."""
    function = function_of(tool.tool_type, tool.name)
    return function.effect_class if function else tool.effect_class or "writes"
