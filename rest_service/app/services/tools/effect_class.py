"""The effect class of a tool."""

from smart_kit.contracts.functions import find_function
from smart_kit.contracts.tools import EffectClass

from ...models import Tool


def resolve_effect_class(tool: Tool) -> EffectClass:
    """Return the class of the function, else that of the record, else "writes", the safest."""
    function = find_function(tool.tool_type, tool.name)
    return function.effect_class if function else tool.effect_class or "writes"
