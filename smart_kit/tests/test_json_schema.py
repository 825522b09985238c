"""Which schemas are accepted, and that every validation takes bounded time."""

import json
import time
from typing import Any

import pytest

from smart_kit import json_schema
from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.builtin_functions import FUNCTIONS
from smart_kit.errors import InvalidRequest
from smart_kit.json_schema import MAX_PATTERN_CHARACTERS, JsonSchemaValidator

MAX_SECONDS = 5.0
"""CPU time of this process. Unbounded and backtracking validation takes far longer."""


def make_word_schema(schema: Any) -> JsonObject:
    return {"type": "object", "properties": {"word": schema}}


def make_doubling_schema(levels: int) -> JsonObject:
    """Build a small schema that is evaluated 2 ** levels times."""
    defs: JsonObject = {
        f"a{number}": {"allOf": [{"$ref": f"#/$defs/a{number + 1}"}] * 2}
        for number in range(levels)
    }
    return make_word_schema({"$ref": "#/$defs/a0"}) | {
        "$defs": defs | {f"a{levels}": {"type": "string"}}
    }


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        (make_word_schema({"type": "sting"}), "not a JSON Schema at $.properties.word.type"),
        ({"$ref": "#/nowhere"}, "names no schema within itself at $.$ref"),
        ({"$ref": "#/properties"}, "names no schema within itself at $.$ref"),
        (
            make_word_schema({"$ref": "http://127.0.0.1:9/x.json"}),
            "itself at $.properties.word.$ref",
        ),
        (make_word_schema({"$ref": "other.json#/a"}), "itself at $.properties.word.$ref"),
        (make_word_schema({"$ref": "#word"}), "itself at $.properties.word.$ref"),
        (
            make_word_schema({"enum": [{"$ref": "#/x"}], "$ref": "#/properties/word/enum/0"}),
            "word.$ref",
        ),
        ({"$ref": "#"}, "without end at $"),
        (make_word_schema({"$ref": "#/properties/word"}), "without end at $.properties.word"),
        (
            make_word_schema({"anyOf": [{"$ref": "#/properties/word"}]}),
            "without end at $.properties.word",
        ),
        (make_word_schema({"if": {"not": {"$ref": "#/properties/word"}}}), "without end"),
        ({"dependentSchemas": {"a": {"$ref": "#"}}}, "without end at $"),
        ({"$schema": "http://json-schema.org/draft-04/schema#"}, "another dialect"),
        (
            make_word_schema({"$schema": "http://json-schema.org/draft-07/schema#"}),
            "$.properties.word.$sch",
        ),
        (make_word_schema({"$id": "http://127.0.0.1:9/x"}), "has $id at $.properties.word"),
        (make_word_schema({"$dynamicRef": "#a"}), "has $dynamicRef at $.properties.word"),
        (make_word_schema({"patternProperties": {"(a+)+$": {}}}), "has patternProperties"),
        (make_word_schema({"unevaluatedProperties": False}), "has unevaluatedProperties"),
        (make_word_schema({"items": [{}]}), "not a JSON Schema at $.properties.word.items"),
        (make_word_schema({"pattern": "("}), "$.properties.word.pattern: "),
        (
            make_word_schema({"items": {"pattern": "(?=a)b"}}),
            "$.properties.word.items.pattern: look-around",
        ),
        (make_word_schema({"pattern": r"(a)\1"}), "pattern: backreferences are not supported"),
        (make_word_schema({"pattern": "a{1000}{1000}{1000}"}), "pattern: Compiled regex exceeds"),
    ],
)
def test_unusable_schema_is_refused_with_the_place(schema: JsonObject, problem: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        json_schema.check_schema(schema)
    assert problem in refused.value.message


@pytest.mark.parametrize(
    ("schema", "valid", "invalid"),
    [
        (make_word_schema({"$ref": "#/$defs/a"}) | {"$defs": {"a": {"type": "string"}}}, "x", 7),
        (
            make_word_schema({"$ref": "#/definitions/a~1b%20c"})
            | {"definitions": {"a/b c": False}},
            None,
            7,
        ),
        (make_word_schema({"$schema": "https://json-schema.org/draft/2020-12/schema#"}), 7, None),
        (
            make_word_schema({"type": "array", "items": {"$ref": "#/properties/word"}}),
            [[], [[]]],
            [[7]],
        ),
        (make_word_schema({"pattern": r"^\d{2}:\d{2}$"}), "12:30", "12:30\n"),
        (make_word_schema({"pattern": "b"}), "abc", "a"),
        (make_word_schema({"pattern": "^я"}), "ящик", "\ud800"),
        (make_word_schema({"pattern": r"^\p{Lu}"}), "Ящик", "ящик"),
        (
            make_word_schema({"uniqueItems": True}),
            [1, True, "1", [1]],
            [{"a": 1, "b": 2}, {"b": 2, "a": 1}],
        ),
        (
            make_word_schema({"enum": [{"$ref": "http://127.0.0.1:9/"}]}),
            {"$ref": "http://127.0.0.1:9/"},
            7,
        ),
        ({"type": "object", "properties": {"$ref": {"type": "string"}}}, None, None),
        (make_doubling_schema(3), "x", 7),
    ],
)
def test_usable_schema_is_applied(schema: JsonObject, valid: Any, invalid: Any) -> None:
    checked = JsonSchemaValidator(schema)
    assert checked.list_errors({} if valid is None else {"word": valid}) == []
    assert invalid is None or checked.list_errors({"word": invalid})


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_schemas_of_built_in_functions_are_usable(function: Any) -> None:
    JsonSchemaValidator(function.schema)


def make_repeated_schema(part: JsonObject) -> JsonObject:
    """Build a small schema that is evaluated 100 times."""
    return make_word_schema({"anyOf": [{"$ref": "#/$defs/part"}] * 100}) | {"$defs": {"part": part}}


NEVER_MATCHING: JsonObject = {"type": "null"}
LARGE_ARRAY = list(range(10_000))


def make_nested_schema(depth: int) -> Any:
    return json.loads("[" * depth + "]" * depth)


@pytest.mark.parametrize(
    ("schema", "word"),
    [
        (make_word_schema({"pattern": "(a+)+$"}), "a" * 60 + "!"),
        (make_word_schema({"pattern": "(a+)+$"}), "a" * MAX_PATTERN_CHARACTERS),
        (make_word_schema({"pattern": "^(a|a)*$"}), "a" * 5000 + "!"),
        (make_word_schema({"pattern": "a*a*a*a*a*a*b"}), "a" * 5000),
        (make_word_schema({"pattern": "(.{0,90}x){0,40}$"}), "ax" * 4000),
        (make_word_schema({"pattern": "(.{0,90}x){0,40}$"}), "ax" * 30_000),
        (make_word_schema({"items": {"pattern": "(.{0,90}x){0,40}$"}}), ["ax" * 500] * 60),
        (make_word_schema({"propertyNames": {"pattern": "(a+)+$"}}), {"a" * 60 + "!": 1}),
        (make_word_schema({"type": "string"}), "a" * 1_000_000),
        (make_word_schema({"uniqueItems": True}), [{"a": number} for number in range(5000)]),
        (make_word_schema({"uniqueItems": True}), [1, "a", None] * 5000),
        (make_doubling_schema(60), "x"),
        (
            make_word_schema({"type": "array", "items": {"$ref": "#/properties/word"}}),
            make_nested_schema(900),
        ),
        (
            make_word_schema({"allOf": [{"items": {"$ref": "#/properties/word"}}] * 2}),
            make_nested_schema(60),
        ),
        (make_word_schema({"items": {"enum": list(range(1000))}}), [1001] * 10_000),
        (make_word_schema({"items": {"not": {"enum": LARGE_ARRAY}}}), [-1] * 4_900),
        (make_repeated_schema({"anyOf": [NEVER_MATCHING] * 95}), ["\\" * 30_000]),
        (make_repeated_schema({"anyOf": [{"const": 1}, {"enum": [1]}] * 45}), ["\\" * 30_000]),
        (make_repeated_schema({"anyOf": [{"uniqueItems": True, "not": {}}] * 47}), LARGE_ARRAY),
    ],
)
def test_validation_time_is_limited(schema: JsonObject, word: Any) -> None:
    started_at = time.process_time()
    problems = JsonSchemaValidator(schema).list_errors({"word": word})
    assert time.process_time() - started_at < MAX_SECONDS
    assert all(len(problem) < 500 for problem in problems)


def test_long_text_can_be_validated_by_several_schemas() -> None:
    checked = JsonSchemaValidator(
        make_word_schema({"anyOf": [NEVER_MATCHING] * 10 + [{"maxLength": 63_000}]})
    )
    assert checked.list_errors({"word": "a" * 60_000}) == []


def test_each_validation_has_its_own_limits() -> None:
    checked = JsonSchemaValidator(make_word_schema({"pattern": "a"}))
    for _ in range(20):
        assert checked.list_errors({"word": "a" * 1000}) == []
