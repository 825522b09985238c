"""Names under which credentials travel: what is kept in clear and shown to readers has none."""

import re
from collections.abc import Iterator
from typing import Any

from smart_kit.contracts.base import JsonObject
from smart_kit.errors import InvalidRequest

_NAMES = re.compile(
    r"token|auth|bearer|(.*_)?(headers?|cookies?|authori[sz]ation|passw(or)?ds?|secrets?|credentials?"
    r"|(api|secret|access|private)_?keys?|(access|api|o?auth|bearer|refresh|id)_tokens?|extra_query)"
)
"""Not every name with "token" or "key" in it: max_tokens and prompt_cache_key are innocent."""
_SCHEMAS = frozenset({"properties", "$defs", "definitions"})
"""Below these a JSON Schema has the names of an answer's fields."""
_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_BETWEEN = re.compile(r"[^a-z0-9]+")


def check(name: str, value: JsonObject) -> None:
    """Raises InvalidRequest that names the place. The value must not be nested too deep."""
    for place in _places(value, name):
        raise InvalidRequest(
            f"{place} is where a credential would be, and {name} are kept and shown in clear."
            " A key belongs into the provider's api_key, which is encrypted."
        )


def _places(value: Any, path: str, *, is_schema: bool = False) -> Iterator[str]:
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _places(item, f"{path}[{number}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            place = f"{path}.{key}"
            if _is_credential(key) and not (is_schema and isinstance(item, dict)):
                yield place
            yield from _places(item, place, is_schema=key in _SCHEMAS)


def _is_credential(key: str) -> bool:
    """Whether written like_this, likeThis, Like-This or LIKE_THIS."""
    words = _BETWEEN.sub("_", _CAPITAL.sub("_", key).lower()).strip("_")
    return _NAMES.fullmatch(words) is not None
