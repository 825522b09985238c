"""Wrong arguments on demand: shows that a tool refuses them and that the model corrects itself."""

from typing import Any

from sandbox.llm.prompt_context import PromptContext, ToolCall

_WRONG_NUMBER = 42
_WRONG_TEXT = "wrong"


def corrupt_arguments(call: ToolCall, context: PromptContext) -> ToolCall:
    """The call with an argument of a type that the tool's schema does not allow."""
    tool = context.find_tool(call.name)
    properties: dict[str, Any] = tool.properties if tool else {}
    name = next(iter([*call.arguments, *properties]), _WRONG_TEXT)
    is_text = (properties.get(name) or {}).get("type", "string") == "string"
    return ToolCall(call.name, call.arguments | {name: _WRONG_NUMBER if is_text else _WRONG_TEXT})
