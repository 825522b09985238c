"""The JSON Schema of a tool's arguments, and its effect class."""

from functools import cache

from smart_kit import json_schema
from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.builtin_functions import FUNCTIONS, BuiltinFunction, find_function
from smart_kit.contracts.tools import EffectClass
from smart_kit.errors import InvalidRequest

from ...models import Tool
from ..records import json_limits

_NO_ARGUMENTS: JsonObject = {"type": "object", "properties": {}}


def resolve_input_schema(tool: Tool) -> JsonObject:
    """Return the schema of the record or, without one, of the function."""
    if tool.input_schema is not None:
        return tool.input_schema
    function = find_function(tool.tool_type, tool.name)
    return _function_schema(function) if function else _NO_ARGUMENTS


def resolve_effect_class(tool: Tool) -> EffectClass:
    """Return the class of the function, else that of the record, else "writes", the safest."""
    function = find_function(tool.tool_type, tool.name)
    return function.effect_class if function else tool.effect_class or "writes"


def check(tool: Tool) -> None:
    """Raise InvalidRequest if the function does not exist or the schema does not fit it."""
    function = _resolve_function(tool)
    if tool.input_schema is None:
        return
    json_limits.check("input_schema", tool.input_schema)
    json_schema.check_schema(tool.input_schema)
    if tool.input_schema.get("type") != "object":
        raise InvalidRequest('input_schema must have "type": "object" at $.')
    if function is not None:
        _check_arguments(tool.input_schema, function)


@cache
def _function_schema(function: BuiltinFunction) -> JsonObject:
    return function.schema


def _resolve_function(tool: Tool) -> BuiltinFunction | None:
    function = find_function(tool.tool_type, tool.name)
    known = [known.name for known in FUNCTIONS if known.tool_type == tool.tool_type]
    if function is None and known:
        raise InvalidRequest(
            f"There is no {tool.tool_type} function called {tool.name!r}. Known functions:"
            f" {', '.join(known)}."
        )
    return function


def _check_arguments(schema: JsonObject, function: BuiltinFunction) -> None:
    fields = function.arguments.model_fields
    unknown = sorted(set(schema.get("properties", {})) - set(fields))
    if unknown:
        raise InvalidRequest(
            f"{function.name} takes no argument {unknown[0]!r}, only {', '.join(fields)}."
        )
    needed = {name for name, field in fields.items() if field.is_required()}
    for place in ("properties", "required"):
        missing = sorted(needed - set(schema.get(place, ())))
        if missing:
            raise InvalidRequest(
                f"{function.name} needs {missing[0]!r}, so input_schema must have it in $.{place}."
            )
