"""JSON Schemas of tools' arguments: which can be kept to, and what arguments break.

An administrator writes the schema and a model the arguments, so neither may hold up a process:
patterns are Rust's, whose time grows with their text alone, and what a check does is counted.
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

MOST_CHARACTERS = 64_000
"""Of arguments, as JSON."""
MOST_PATTERN_CHARACTERS = 8_000
"""Of texts that patterns look at in one check: the worst pattern takes half a second for them."""
MOST_STEPS = 10_000
MOST_LOOKED_AT = 2_000_000
"""Characters of the values that all steps look at: each may be compared, and repeated in what is
said of it."""
MOST_PROBLEMS = 5
_PROBLEM_CHARACTERS = 300

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ONE = (
    *("items", "contains", "additionalProperties", "propertyNames"),
    *("not", "if", "then", "else"),
)
_SEVERAL = ("allOf", "anyOf", "oneOf", "prefixItems")
_NAMED = ("properties", "$defs", "definitions", "dependentSchemas")
_IN_PLACE = ("not", "if", "then", "else", "allOf", "anyOf", "oneOf", "dependentSchemas")
"""Look at the same value again, so that a circle of these never ends."""
_COMPARED = frozenset({"enum", "const", "not", "oneOf"})
"""What these hold is compared with the value, or repeated too."""
_REFUSED = (
    *("$id", "$anchor", "$dynamicAnchor", "$dynamicRef"),
    *("patternProperties", "unevaluatedItems", "unevaluatedProperties"),
)
"""Other ways to name a schema than $ref; and what is checked past our counting."""

_Found = dict[str, tuple[str, Any]]
"""Each schema within a schema, with how its place is said, by its JSON Pointer."""


class _TooMuch(Exception):
    """The check would take too long."""


def check(schema: JsonObject) -> None:
    """Raises InvalidRequest that names the place of what cannot be kept to."""
    from jsonschema import Draft202012Validator, exceptions  # slow to import

    try:
        Draft202012Validator.check_schema(schema, format_checker=None)  # patterns: below
    except exceptions.SchemaError as error:
        raise InvalidRequest(
            f"input_schema is not a JSON Schema at {error.json_path}: {error.message[:300]}."
        ) from error
    found = {pointer: (place, part) for pointer, place, part in _parts(schema, "", "$")}
    for place, part in found.values():
        if isinstance(part, dict):
            _check_words(place, part)
            _check_target(place, part, found)
    _check_circles(found)


class ArgumentSchema:
    """A schema that arguments are held to."""

    def __init__(self, schema: JsonObject) -> None:
        """Raises InvalidRequest as `check` does."""
        check(schema)
        self._validator = self._counting(schema)
        self._sizes_of_schema = _sizes(schema)
        self._sizes: dict[int, int] = {}
        self._steps = self._looked_at = self._seen = 0

    def problems(self, arguments: JsonObject) -> list[str]:
        """What is wrong with them, the first few; none where they are right."""
        if len(json.dumps(arguments)) > MOST_CHARACTERS:
            return [f"they are longer than {MOST_CHARACTERS} characters"]
        self._steps = self._looked_at = self._seen = 0
        try:
            self._sizes = _sizes(arguments)
            return list(
                map(_problem, islice(self._validator.iter_errors(arguments), MOST_PROBLEMS))
            )
        except (_TooMuch, RecursionError):
            return ["they are too long, too many or too deep to be checked"]

    def _counting(self, schema: JsonObject) -> Any:
        from jsonschema import Draft202012Validator, validators
        from referencing import Registry

        keywords = Draft202012Validator.VALIDATORS | {
            "pattern": self._pattern,
            "uniqueItems": _unique,
        }
        counted = {name: self._counted(name, keyword) for name, keyword in keywords.items()}
        kind = validators.extend(Draft202012Validator, counted)
        return kind(schema, registry=Registry())  # the usual one fetches what a $ref names

    def _counted(self, name: str, keyword: Callable[..., Any]) -> Callable[..., Any]:
        def count(validator: Any, wanted: Any, value: Any, schema: Any) -> Any:
            self._steps += 1
            self._looked_at += self._sizes.get(id(value), 0)
            if name in _COMPARED:
                self._looked_at += self._sizes_of_schema.get(id(wanted), 0)
            if self._steps > MOST_STEPS or self._looked_at > MOST_LOOKED_AT:
                raise _TooMuch
            return keyword(validator, wanted, value, schema)

        return count

    def _pattern(self, validator: Any, pattern: str, text: Any, _: Any) -> Iterator[Any]:
        if not validator.is_type(text, "string"):
            return
        self._seen += len(text)
        if self._seen > MOST_PATTERN_CHARACTERS:
            raise _TooMuch
        if not _compiled(pattern).isinstance_python(text):
            yield _failure(f"{text[:60]!r} does not match {pattern!r}")


def _sizes(whole: Any) -> dict[int, int]:
    """About how long each value in it is as JSON, by its id. Raises RecursionError."""
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

    measure(whole)
    return sizes


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> SchemaValidator:
    """Raises SchemaError, e.g. for what looks around or back."""
    return SchemaValidator(str_schema(pattern=pattern, regex_engine="rust-regex"))


def _unique(validator: Any, wanted: bool, items: Any, _: Any) -> Iterator[Any]:
    """The usual one compares each with each."""
    if wanted and validator.is_type(items, "array"):
        written = {json.dumps(item, sort_keys=True) for item in items}
        if len(written) < len(items):
            yield _failure("has items that are not unique")


def _failure(message: str) -> Any:
    from jsonschema.exceptions import ValidationError

    return ValidationError(message)


def _problem(error: Any) -> str:
    where = ".".join(str(part) for part in error.absolute_path)
    said = str(error.message)[:_PROBLEM_CHARACTERS]
    return f"{where}: {said}" if where else said


def _parts(schema: Any, pointer: str, place: str) -> Iterator[tuple[str, str, Any]]:
    """It and all schemas in it."""
    yield pointer, place, schema
    if not isinstance(schema, dict):
        return
    for below, said, part in _children(schema, (*_ONE, *_SEVERAL, *_NAMED)):
        yield from _parts(part, pointer + below, place + said)


def _children(
    schema: Mapping[str, Any], keywords: tuple[str, ...]
) -> Iterator[tuple[str, str, Any]]:
    """Each with what its pointer and its place have more."""
    for keyword in keywords:
        value = schema.get(keyword)
        if keyword in _ONE and keyword in schema:
            yield f"/{keyword}", f".{keyword}", value
        elif isinstance(value, list):
            for number, part in enumerate(value):
                yield f"/{keyword}/{number}", f".{keyword}[{number}]", part
        elif isinstance(value, dict):
            for name, part in value.items():
                escaped = name.replace("~", "~0").replace("/", "~1")
                yield f"/{keyword}/{escaped}", f".{keyword}.{name}", part


def _check_words(place: str, schema: Mapping[str, Any]) -> None:
    if schema.get("$schema", _DIALECT).removesuffix("#") != _DIALECT:
        raise InvalidRequest(
            f"input_schema has another dialect than {_DIALECT} at {place}.$schema."
        )
    for word in _REFUSED:
        if word in schema:
            raise InvalidRequest(f"input_schema has {word} at {place}, which cannot be used here.")
    if (pattern := schema.get("pattern")) is not None:
        try:
            _compiled(pattern)
        except SchemaError as error:
            reason = str(error).strip().rpartition("rror: ")[2].rstrip(".")
            raise InvalidRequest(
                f"input_schema has a pattern that cannot be used at {place}.pattern: {reason}."
            ) from error


def _check_target(place: str, schema: Mapping[str, Any], found: _Found) -> None:
    target = schema.get("$ref")
    if target is not None and _pointer(target) not in found:
        raise InvalidRequest(
            f"input_schema names no schema within itself at {place}.$ref: {target[:100]!r}."
        )


def _pointer(target: str) -> str | None:
    return unquote(target[1:]) if target.startswith("#") else None


def _check_circles(found: _Found) -> None:
    """A schema that is its own condition would be looked at for ever."""
    graph: dict[str, set[str]] = {}
    for pointer, (_, part) in found.items():
        if isinstance(part, dict):
            graph[pointer] = {pointer + below for below, *_ in _children(part, _IN_PLACE)}
            if "$ref" in part:
                graph[pointer].add(_pointer(part["$ref"]) or "")
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        place, _ = found[error.args[1][0]]
        raise InvalidRequest(f"input_schema refers to itself without end at {place}.") from error
