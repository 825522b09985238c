"""Validation of tool arguments by JSON Schema, in bounded time.

Administrators write the schemas and models write the arguments, so neither is trusted. Patterns run
on Rust's engine in linear time, and the steps of a validation are limited. jsonschema-rs has no
such limit: a schema that doubles the work at each level would block the process.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from itertools import islice
from typing import Any
from urllib.parse import unquote

from pydantic_core import SchemaError, SchemaValidator
from pydantic_core.core_schema import str_schema

from smart_kit.contracts.base import JsonObject
from smart_kit.errors import InvalidRequest

MAX_CHARACTERS = 64_000
"""Limit of the arguments as JSON."""
MAX_PATTERN_CHARACTERS = 8_000
"""Characters that patterns may examine per validation; the worst pattern needs half a second."""
MAX_STEPS = 10_000
MAX_VISITED_CHARACTERS = 2_000_000
"""Sum of the sizes of the values that all steps examine, because a step may compare a value or
repeat it in an error."""
MAX_ERRORS = 5
_MAX_ERROR_CHARACTERS = 300

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SUBSCHEMA_KEYWORDS = (
    *("items", "contains", "additionalProperties", "propertyNames"),
    *("not", "if", "then", "else"),
)
_ALL_SUBSCHEMA_KEYWORDS = (
    *_SUBSCHEMA_KEYWORDS,
    *("allOf", "anyOf", "oneOf", "prefixItems"),  # lists of schemas
    *("properties", "$defs", "definitions", "dependentSchemas"),  # schemas by name
)
_IN_PLACE_APPLICATORS = ("not", "if", "then", "else", "allOf", "anyOf", "oneOf", "dependentSchemas")
"""Apply to the same value again, so that a cycle of these would never end."""
_COMPARING_KEYWORDS = frozenset({"enum", "const", "not", "oneOf"})
"""Keywords whose own content is compared with the value, or repeated in an error."""
_UNSUPPORTED_KEYWORDS = (
    *("$id", "$anchor", "$dynamicAnchor", "$dynamicRef"),
    *("patternProperties", "unevaluatedItems", "unevaluatedProperties"),
)
"""References other than $ref, and keywords that bypass the limits."""

_Subschemas = dict[str, tuple[str, Any]]
"""JSON Pointer of each subschema to its place in readable form and the subschema."""


class _LimitExceeded(Exception):
    """The validation would take too long."""


def check_schema(schema: JsonObject) -> None:
    """Raises InvalidRequest with the place of anything invalid or unsupported."""
    from jsonschema import Draft202012Validator, exceptions  # slow to import

    try:
        Draft202012Validator.check_schema(schema, format_checker=None)  # patterns are checked below
    except exceptions.SchemaError as error:
        problem = f"is not a JSON Schema at {error.json_path}: {error.message[:300]}"
        raise _make_schema_error(problem) from error
    found = _iter_subschemas(schema, "", "$")
    subschemas = {pointer: (place, part) for pointer, place, part in found}
    for place, part in subschemas.values():
        if isinstance(part, dict):
            _check_keywords(place, part)
            _check_reference(place, part, subschemas)
    _check_cycles(subschemas)


class JsonSchemaValidator:
    """Validates arguments against one schema."""

    def __init__(self, schema: JsonObject) -> None:
        """Raises InvalidRequest as `check_schema` does."""
        check_schema(schema)
        self._validator = self._build_validator(schema)
        self._schema_sizes = _measure_sizes(schema)
        self._argument_sizes: dict[int, int] = {}
        self._step_count = self._visited_characters = self._pattern_characters = 0

    def list_errors(self, arguments: JsonObject) -> list[str]:
        """Return the first errors of the arguments; an empty list if they are valid."""
        if len(json.dumps(arguments)) > MAX_CHARACTERS:
            return [f"they are longer than {MAX_CHARACTERS} characters"]
        self._step_count = self._visited_characters = self._pattern_characters = 0
        try:
            self._argument_sizes = _measure_sizes(arguments)
            errors = islice(self._validator.iter_errors(arguments), MAX_ERRORS)
            return [_format_error(error) for error in errors]
        except (_LimitExceeded, RecursionError):
            return ["they are too long, too many or too deep to be checked"]

    def _build_validator(self, schema: JsonObject) -> Any:
        from jsonschema import Draft202012Validator, validators
        from referencing import Registry

        keywords = Draft202012Validator.VALIDATORS | {
            "pattern": self._check_pattern,
            "uniqueItems": _check_unique_items,
        }
        counted = {
            name: self._wrap_with_step_limit(name, keyword) for name, keyword in keywords.items()
        }
        kind = validators.extend(Draft202012Validator, counted)
        return kind(schema, registry=Registry())  # the default registry downloads remote references

    def _wrap_with_step_limit(self, name: str, keyword: Callable[..., Any]) -> Callable[..., Any]:
        def count(validator: Any, expected: Any, value: Any, schema: Any) -> Any:
            self._step_count += 1
            self._visited_characters += self._argument_sizes.get(id(value), 0)
            if name in _COMPARING_KEYWORDS:
                self._visited_characters += self._schema_sizes.get(id(expected), 0)
            if self._step_count > MAX_STEPS or self._visited_characters > MAX_VISITED_CHARACTERS:
                raise _LimitExceeded
            return keyword(validator, expected, value, schema)

        return count

    def _check_pattern(self, validator: Any, pattern: str, text: Any, _: Any) -> Iterator[Any]:
        if not validator.is_type(text, "string"):
            return
        self._pattern_characters += len(text)
        if self._pattern_characters > MAX_PATTERN_CHARACTERS:
            raise _LimitExceeded
        if not _compile_pattern(pattern).isinstance_python(text):
            yield _make_error(f"{text[:60]!r} does not match {pattern!r}")


def _measure_sizes(document: Any) -> dict[int, int]:
    """Return the approximate JSON size of each value, by its id(). Raises RecursionError."""
    sizes: dict[int, int] = {}

    def measure(value: Any) -> int:
        size = 1
        if isinstance(value, dict):
            for name, part in value.items():
                size += measure(name) + measure(part)
        elif isinstance(value, list):
            for part in value:
                size += measure(part)
        else:
            size = len(value if isinstance(value, str) else repr(value))
        sizes[id(value)] = size
        return size

    measure(document)
    return sizes


@lru_cache(maxsize=256)
def _compile_pattern(pattern: str) -> SchemaValidator:
    """Raises SchemaError, e.g. for look-around and backreferences."""
    return SchemaValidator(str_schema(pattern=pattern, regex_engine="rust-regex"))


def _check_unique_items(validator: Any, is_required: bool, items: Any, _: Any) -> Iterator[Any]:
    """Check in linear time; jsonschema compares every pair of items."""
    if is_required and validator.is_type(items, "array"):
        distinct = {json.dumps(item, sort_keys=True) for item in items}
        if len(distinct) < len(items):
            yield _make_error("has items that are not unique")


def _make_error(message: str) -> Any:
    from jsonschema.exceptions import ValidationError

    return ValidationError(message)


def _format_error(error: Any) -> str:
    path = ".".join(str(part) for part in error.absolute_path)
    message = str(error.message)[:_MAX_ERROR_CHARACTERS]
    return f"{path}: {message}" if path else message


def _iter_subschemas(schema: Any, pointer: str, place: str) -> Iterator[tuple[str, str, Any]]:
    """Yield pointer, place and content of a schema and of all its subschemas."""
    yield pointer, place, schema
    if not isinstance(schema, dict):
        return
    for step, name, part in _iter_children(schema, _ALL_SUBSCHEMA_KEYWORDS):
        yield from _iter_subschemas(part, pointer + step, place + name)


def _iter_children(
    schema: Mapping[str, Any], keywords: tuple[str, ...]
) -> Iterator[tuple[str, str, Any]]:
    """Yield each direct subschema with the suffixes of its pointer and its place."""
    for keyword in keywords:
        value = schema.get(keyword)
        if keyword in _SUBSCHEMA_KEYWORDS and keyword in schema:
            yield f"/{keyword}", f".{keyword}", value
        elif isinstance(value, list):
            for number, part in enumerate(value):
                yield f"/{keyword}/{number}", f".{keyword}[{number}]", part
        elif isinstance(value, dict):
            for name, part in value.items():
                escaped = name.replace("~", "~0").replace("/", "~1")
                yield f"/{keyword}/{escaped}", f".{keyword}.{name}", part


def _check_keywords(place: str, schema: Mapping[str, Any]) -> None:
    if schema.get("$schema", _DIALECT).removesuffix("#") != _DIALECT:
        raise _make_schema_error(f"has another dialect than {_DIALECT} at {place}.$schema")
    for keyword in _UNSUPPORTED_KEYWORDS:
        if keyword in schema:
            raise _make_schema_error(f"has {keyword} at {place}, which cannot be used here")
    if (pattern := schema.get("pattern")) is not None:
        try:
            _compile_pattern(pattern)
        except SchemaError as error:
            reason = str(error).strip().rpartition("rror: ")[2].rstrip(".")
            problem = f"has a pattern that cannot be used at {place}.pattern: {reason}"
            raise _make_schema_error(problem) from error


def _check_reference(place: str, schema: Mapping[str, Any], subschemas: _Subschemas) -> None:
    target = schema.get("$ref")
    if target is not None and _parse_pointer(target) not in subschemas:
        problem = f"names no schema within itself at {place}.$ref: {target[:100]!r}"
        raise _make_schema_error(problem)


def _parse_pointer(target: str) -> str | None:
    return unquote(target[1:]) if target.startswith("#") else None


def _check_cycles(subschemas: _Subschemas) -> None:
    """Refuse schemas that apply to the same value in a cycle."""
    graph: dict[str, set[str]] = {}
    for pointer, (_, part) in subschemas.items():
        if isinstance(part, dict):
            children = _iter_children(part, _IN_PLACE_APPLICATORS)
            graph[pointer] = {pointer + step for step, *_ in children}
            if "$ref" in part:
                graph[pointer].add(_parse_pointer(part["$ref"]) or "")
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        place, _ = subschemas[error.args[1][0]]
        raise _make_schema_error(f"refers to itself without end at {place}") from error


def _make_schema_error(problem: str) -> InvalidRequest:
    return InvalidRequest(f"input_schema {problem}.")
