"""Arguments for tools without a skill, extracted from the request."""

import re
from typing import Any

from sandbox.llm.places import extract_last_place
from sandbox.llm.prompt_parsing import ToolDefinition

_QUOTED = re.compile(r"[“\"«]([^”\"»]+)[”\"»]")
_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)?")
_PLACE_PARAMETERS = ("place", "city", "location", "address")


def build_arguments(tool: ToolDefinition, message: str) -> dict[str, Any] | None:
    """Return arguments for the tool's schema, or None if the message lacks a value."""
    texts = [name for name, part in tool.properties.items() if part.get("type") == "string"]
    names = ["message"] if "message" in tool.properties else tool.required or texts[:1]
    arguments = {
        name: _extract_value(name, tool.properties.get(name) or {}, message) for name in names
    }
    return None if None in arguments.values() else arguments


def _extract_value(name: str, schema: dict[str, Any], message: str) -> Any:
    if "enum" in schema:
        values = (value for value in schema["enum"] if str(value).lower() in message.lower())
        return next(values, None)
    match schema.get("type", "string"):
        case "integer" | "number" as kind:
            found = _NUMBER.search(message)
            number = float(found[0].replace(",", ".")) if found else None
            return int(number) if number is not None and kind == "integer" else number
        case "string" if name in _PLACE_PARAMETERS:
            return extract_last_place(message) or message
        case "string":
            quoted = _QUOTED.search(message)
            return quoted[1] if quoted and name != "message" else message
    return None
