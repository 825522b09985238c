"""Which schemas of arguments are taken, and that no check of arguments takes long."""

import json
import time
from typing import Any

import pytest

from smart_kit import argument_schema
from smart_kit.argument_schema import MOST_PATTERN_CHARACTERS, ArgumentSchema
from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.functions import FUNCTIONS
from smart_kit.errors import InvalidRequest

SECONDS = 5.0
"""Of this process alone. What is checked without end, or by trying all ways, takes far longer."""


def of_word(schema: Any) -> JsonObject:
    return {"type": "object", "properties": {"word": schema}}


def doubling(levels: int) -> JsonObject:
    """Small, and looked at 2 ** levels times."""
    defs: JsonObject = {
        f"a{number}": {"allOf": [{"$ref": f"#/$defs/a{number + 1}"}] * 2}
        for number in range(levels)
    }
    return of_word({"$ref": "#/$defs/a0"}) | {"$defs": defs | {f"a{levels}": {"type": "string"}}}


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        (of_word({"type": "sting"}), "not a JSON Schema at $.properties.word.type"),
        ({"$ref": "#/nowhere"}, "names no schema within itself at $.$ref"),
        ({"$ref": "#/properties"}, "names no schema within itself at $.$ref"),
        (of_word({"$ref": "http://127.0.0.1:9/x.json"}), "itself at $.properties.word.$ref"),
        (of_word({"$ref": "other.json#/a"}), "itself at $.properties.word.$ref"),
        (of_word({"$ref": "#word"}), "itself at $.properties.word.$ref"),
        (of_word({"enum": [{"$ref": "#/x"}], "$ref": "#/properties/word/enum/0"}), "word.$ref"),
        ({"$ref": "#"}, "without end at $"),
        (of_word({"$ref": "#/properties/word"}), "without end at $.properties.word"),
        (of_word({"anyOf": [{"$ref": "#/properties/word"}]}), "without end at $.properties.word"),
        (of_word({"if": {"not": {"$ref": "#/properties/word"}}}), "without end"),
        ({"dependentSchemas": {"a": {"$ref": "#"}}}, "without end at $"),
        ({"$schema": "http://json-schema.org/draft-04/schema#"}, "another dialect"),
        (of_word({"$schema": "http://json-schema.org/draft-07/schema#"}), "$.properties.word.$sch"),
        (of_word({"$id": "http://127.0.0.1:9/x"}), "has $id at $.properties.word"),
        (of_word({"$dynamicRef": "#a"}), "has $dynamicRef at $.properties.word"),
        (of_word({"patternProperties": {"(a+)+$": {}}}), "has patternProperties"),
        (of_word({"unevaluatedProperties": False}), "has unevaluatedProperties"),
        (of_word({"items": [{}]}), "not a JSON Schema at $.properties.word.items"),
        (of_word({"pattern": "("}), "$.properties.word.pattern: "),
        (of_word({"items": {"pattern": "(?=a)b"}}), "$.properties.word.items.pattern: look-around"),
        (of_word({"pattern": r"(a)\1"}), "pattern: backreferences are not supported"),
        (of_word({"pattern": "a{1000}{1000}{1000}"}), "pattern: Compiled regex exceeds"),
    ],
)
def test_what_cannot_be_kept_to_is_refused_with_its_place(schema: JsonObject, said: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        argument_schema.check(schema)
    assert said in refused.value.message


@pytest.mark.parametrize(
    ("schema", "right", "wrong"),
    [
        (of_word({"$ref": "#/$defs/a"}) | {"$defs": {"a": {"type": "string"}}}, "x", 7),
        (of_word({"$ref": "#/definitions/a~1b%20c"}) | {"definitions": {"a/b c": False}}, None, 7),
        (of_word({"$schema": "https://json-schema.org/draft/2020-12/schema#"}), 7, None),
        (of_word({"type": "array", "items": {"$ref": "#/properties/word"}}), [[], [[]]], [[7]]),
        (of_word({"pattern": r"^\d{2}:\d{2}$"}), "12:30", "12:30\n"),
        (of_word({"pattern": "b"}), "abc", "a"),
        (of_word({"pattern": "^я"}), "ящик", "\ud800"),
        (of_word({"pattern": r"^\p{Lu}"}), "Ящик", "ящик"),
        (of_word({"uniqueItems": True}), [1, True, "1", [1]], [{"a": 1, "b": 2}, {"b": 2, "a": 1}]),
        (of_word({"enum": [{"$ref": "http://127.0.0.1:9/"}]}), {"$ref": "http://127.0.0.1:9/"}, 7),
        ({"type": "object", "properties": {"$ref": {"type": "string"}}}, None, None),
        (doubling(3), "x", 7),
    ],
)
def test_what_can_be_kept_to_is_kept_to(schema: JsonObject, right: Any, wrong: Any) -> None:
    checked = ArgumentSchema(schema)
    assert checked.problems({} if right is None else {"word": right}) == []
    assert wrong is None or checked.problems({"word": wrong})


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_our_own_schemas_can_be_kept_to(function: Any) -> None:
    ArgumentSchema(function.schema)


def often(part: JsonObject) -> JsonObject:
    """Looked at 100 times, in few characters."""
    return of_word({"anyOf": [{"$ref": "#/$defs/part"}] * 100}) | {"$defs": {"part": part}}


NOTHING: JsonObject = {"type": "null"}
MANY = list(range(10_000))


def nested(depth: int) -> Any:
    return json.loads("[" * depth + "]" * depth)


@pytest.mark.parametrize(
    ("schema", "word"),
    [
        (of_word({"pattern": "(a+)+$"}), "a" * 60 + "!"),
        (of_word({"pattern": "(a+)+$"}), "a" * MOST_PATTERN_CHARACTERS),
        (of_word({"pattern": "^(a|a)*$"}), "a" * 5000 + "!"),
        (of_word({"pattern": "a*a*a*a*a*a*b"}), "a" * 5000),
        (of_word({"pattern": "(.{0,90}x){0,40}$"}), "ax" * 4000),
        (of_word({"pattern": "(.{0,90}x){0,40}$"}), "ax" * 30_000),
        (of_word({"items": {"pattern": "(.{0,90}x){0,40}$"}}), ["ax" * 500] * 60),
        (of_word({"propertyNames": {"pattern": "(a+)+$"}}), {"a" * 60 + "!": 1}),
        (of_word({"type": "string"}), "a" * 1_000_000),
        (of_word({"uniqueItems": True}), [{"a": number} for number in range(5000)]),
        (of_word({"uniqueItems": True}), [1, "a", None] * 5000),
        (doubling(60), "x"),
        (of_word({"type": "array", "items": {"$ref": "#/properties/word"}}), nested(900)),
        (of_word({"allOf": [{"items": {"$ref": "#/properties/word"}}] * 2}), nested(60)),
        (of_word({"items": {"enum": list(range(1000))}}), [1001] * 10_000),
        (of_word({"items": {"not": {"enum": MANY}}}), [-1] * 4_900),
        (often({"anyOf": [NOTHING] * 95}), ["\\" * 30_000]),
        (often({"anyOf": [{"const": 1}, {"enum": [1]}] * 45}), ["\\" * 30_000]),
        (often({"anyOf": [{"uniqueItems": True, "not": {}}] * 47}), MANY),
    ],
)
def test_no_arguments_hold_up_the_process(schema: JsonObject, word: Any) -> None:
    begun = time.process_time()
    problems = ArgumentSchema(schema).problems({"word": word})
    assert time.process_time() - begun < SECONDS
    assert all(len(one) < 500 for one in problems)


def test_a_long_text_is_looked_at_as_often_as_schemas_do() -> None:
    checked = ArgumentSchema(of_word({"anyOf": [NOTHING] * 10 + [{"maxLength": 63_000}]}))
    assert checked.problems({"word": "a" * 60_000}) == []


def test_a_check_is_counted_by_itself() -> None:
    checked = ArgumentSchema(of_word({"pattern": "a"}))
    for _ in range(20):
        assert checked.problems({"word": "a" * 1000}) == []
