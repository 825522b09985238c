"""The JSON Schema of a tool's arguments, as its record gives it."""

import json
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.functions import FUNCTIONS, Function, function_of
from smart_kit.contracts.tools import ToolType
from smart_kit.errors import InvalidRequest

from ..models import Tool

MAX_BYTES = 8 * 1024
MAX_DEPTH = 20
_NO_ARGUMENTS: JsonObject = {"type": "object", "properties": {}}


def effective_schema(tool: Tool) -> JsonObject:
    """The record's schema or, where it has none, the function's own."""
    if tool.input_schema is not None:
        return tool.input_schema
    function = function_of(tool.tool_type, tool.name)
    return _own_schema(function) if function else _NO_ARGUMENTS


def check(tool: Tool) -> None:
    """Raises InvalidRequest where the code cannot stand behind the record."""
    function = _function(tool)
    if tool.input_schema is None:
        return
    _check_size(tool.input_schema)
    _check_dialect(tool.input_schema)
    if function is not None:
        _check_arguments(tool.input_schema, function)


@cache
def _own_schema(function: Function) -> JsonObject:
    return function.schema


def _function(tool: Tool) -> Function | None:
    """The built-in function; None for a type that has none yet."""
    function = function_of(tool.tool_type, tool.name)
    known = _names(tool.tool_type)
    if function is None and known:
        raise InvalidRequest(
            f"There is no {tool.tool_type} function called {tool.name!r}; there is"
            f" {' and '.join(known)}."
        )
    return function


def _names(tool_type: ToolType) -> list[str]:
    return [function.name for function in FUNCTIONS if function.tool_type == tool_type]


def _check_size(schema: JsonObject) -> None:
    if _depth(schema) > MAX_DEPTH:
        raise InvalidRequest(f"input_schema is nested deeper than {MAX_DEPTH} levels.")
    try:
        text = json.dumps(schema, ensure_ascii=False, allow_nan=False)
        size = len(text.encode())
    except ValueError as error:
        raise InvalidRequest(f"input_schema cannot be written as JSON: {error}.") from error
    if size > MAX_BYTES:
        raise InvalidRequest(f"input_schema has {size} bytes; at most {MAX_BYTES} are allowed.")
    if "\\u0000" in text:
        raise InvalidRequest("input_schema holds a NUL character.")


def _depth(value: Any) -> int:
    """How deep it is nested, counted without recursion: the value is a stranger's."""
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
    return depth


def _check_dialect(schema: JsonObject) -> None:
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise InvalidRequest(
            f"input_schema is not a JSON Schema at {error.json_path}: {error.message[:300]}."
        ) from error
    if schema.get("type") != "object":
        raise InvalidRequest('input_schema must have "type": "object" at $.')


def _check_arguments(schema: JsonObject, function: Function) -> None:
    fields = function.arguments.model_fields
    unknown = sorted(set(schema.get("properties", {})) - set(fields))
    if unknown:
        raise InvalidRequest(
            f"{function.name} takes no argument {unknown[0]!r}; it takes {', '.join(fields)}."
        )
    needed = {name for name, field in fields.items() if field.is_required()}
    for place in ("properties", "required"):
        missing = sorted(needed - set(schema.get(place, ())))
        if missing:
            raise InvalidRequest(
                f"{function.name} cannot do without {missing[0]!r}: input_schema lacks it in"
                f" $.{place}."
            )
