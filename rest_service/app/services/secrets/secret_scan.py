"""Finds credentials in values that are stored and shown unencrypted."""

import re
from collections.abc import Iterator
from typing import Any

from smart_kit import log
from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.tools import PLACEHOLDER_PATTERN
from smart_kit.errors import InvalidRequest

_CREDENTIAL_NAME = re.compile(
    r"(token|extra_query"
    r"|(.*_)?(headers?|cookies?|auth|authori[sz]ation|bearer|jwts?|pwd|pass|passphrases?"
    r"|passw(or)?ds?|secrets?|credentials?)"
    r"|.+_(tokens?|keys?)|(api|secret|access|private)keys?"
    r"|(access|api|o?auth|bearer|refresh|id)tokens?)(_?\d+)?"
)
_ALLOWED_NAME = re.compile(
    r"(max|min|num|n)_(.+_)?tokens?"
    r"|(.+_)?(budget|prompt|completion|input|output|thinking|reasoning|special|stop|suppress)_tokens"
    r"|(.+_)?(bos|eos|pad|unk|sep|cls|mask|stop|start|end)_token"
    r"|(prompt_)?cache_key|sort_key"
)
"""Counts of tokens, tokens of a tokenizer, and keys that are no credentials."""
_SCHEMA_KEYWORDS = frozenset({"properties", "$defs", "definitions"})
"""Below these keywords, the keys of a JSON Schema are field names."""
_QUERY_CREDENTIAL_NAMES = frozenset({"key", "appid", "app_id", "sig", "signature"})
"""Further names of query parameters that hold keys."""
_AUTH_SCHEME = re.compile(r"[A-Za-z][A-Za-z-]{0,19}[ =]")
"""A prefix of a secret, as in "Bearer {secret:NAME}" or "session={secret:NAME}"."""
_PROVIDER_REMEDY = "Put a key into the provider's api_key, which is encrypted."
_CAMEL_CASE_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SEPARATORS = re.compile(r"[^a-z0-9]+")


def check(name: str, value: JsonObject, remedy: str = _PROVIDER_REMEDY) -> None:
    """Raise InvalidRequest with the place of a credential. Limit the nesting depth before."""
    for place, reason in _find_credentials(value, name):
        raise InvalidRequest(f"{place} {reason}, but it is stored and shown unencrypted. {remedy}")


def check_text(place: str, name: str, text: str) -> None:
    """Raise InvalidRequest if a header or query parameter holds a credential.

    `{secret:NAME}` is allowed. A name that credentials have allows nothing else beside it but a
    prefix such as "Bearer".
    """
    is_named = _is_credential_name(name) or name.lower() in _QUERY_CREDENTIAL_NAMES
    if log.contains_secret(PLACEHOLDER_PATTERN.sub("", text)) or (
        is_named and not _is_secret_reference(text)
    ):
        raise InvalidRequest(
            f"{place} would hold a credential, but it is stored and shown unencrypted. Add a secret"
            " with POST /api/secrets and write {secret:NAME} here."
        )


def _is_secret_reference(text: str) -> bool:
    scheme = _AUTH_SCHEME.match(text)
    match = PLACEHOLDER_PATTERN.fullmatch(text, scheme.end() if scheme else 0)
    return match is not None and match["secret"] is not None


def _find_credentials(
    value: Any, path: str, *, is_schema: bool = False
) -> Iterator[tuple[str, str]]:
    """Yield the place of each credential, and what is wrong there."""
    if isinstance(value, str) and log.contains_secret(value):
        yield path, "looks like a credential"
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _find_credentials(item, f"{path}[{number}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            place = f"{path}.{key}"
            if log.contains_secret(key):  # so it is not quoted
                yield path, "has a name that looks like a credential"
            if _is_credential_name(key) and not (is_schema and isinstance(item, dict)):
                yield place, "has the name of a credential"
            yield from _find_credentials(item, place, is_schema=key in _SCHEMA_KEYWORDS)


def _is_credential_name(key: str) -> bool:
    normalized = _SEPARATORS.sub("_", _CAMEL_CASE_BOUNDARY.sub("_", key).lower()).strip("_")
    return (
        _CREDENTIAL_NAME.fullmatch(normalized) is not None
        and _ALLOWED_NAME.fullmatch(normalized) is None
    )
