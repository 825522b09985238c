"""Builds the HTTP request of a rest tool from its record, a model's arguments, and secrets.

Placeholders in arguments are not filled, so that no argument can name a secret.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, unquote, urlencode

from smart_kit.contracts.tools import PLACEHOLDER_PATTERN, HttpCall
from smart_kit.errors import InvalidInputError
from smart_kit.safe_http.messages import HttpRequest

_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f]")
_ACCEPT = "application/json, text/plain;q=0.9, */*;q=0.5"
_ABSENT = object()
_MAX_ARGUMENT_CHARACTERS = 1_000
"""Longest argument in a path; servers seldom accept URLs beyond 2,000 characters."""
_MAX_DECODE_ROUNDS = 5
"""How often percent-encoding is decoded; the last round has to find nothing."""

RevealSecret = Callable[[str], str]
"""Returns the value of a secret by its name."""


def build_request(
    call: HttpCall, arguments: Mapping[str, Any], reveal: RevealSecret
) -> HttpRequest:
    """Return the request. Raises InvalidInputError for arguments that do not fit in their place,
    and what `reveal` raises."""
    try:
        headers = _render_headers(call.headers, arguments, reveal)
        named = {name.lower() for name in headers}
        if "accept" not in named:
            headers["Accept"] = _ACCEPT
        body = None
        if call.body is not None:
            body = json.dumps(_render_json(call.body, arguments), allow_nan=False).encode()
            if "content-type" not in named:
                headers["Content-Type"] = "application/json"
        url = _render_url(call.url, arguments, reveal)
        query = _render_query(call.query, arguments, reveal)
    except ValueError as error:  # a lone surrogate, or NaN
        raise InvalidInputError("The arguments hold what cannot be sent as text.") from error
    return HttpRequest(call.method, f"{url}?{query}" if query else url, headers, body)


def _render_url(template: str, arguments: Mapping[str, Any], reveal: RevealSecret) -> str:
    def fill(match: re.Match[str]) -> str:
        if match["secret"]:
            return quote(reveal(match["secret"]), safe=":")
        return _render_path_segment(match["argument"], arguments)

    url = PLACEHOLDER_PATTERN.sub(fill, template)
    if _has_dot_segments(_decode_fully("the path", url, _MAX_DECODE_ROUNDS + 1)):
        raise InvalidInputError("The arguments together make `.` or `..` of a part of the path.")
    return url


def _render_path_segment(name: str, arguments: Mapping[str, Any]) -> str:
    """Return one segment of a path that no decoding can turn into several."""
    text = _to_text(arguments.get(name))
    if not text:
        raise InvalidInputError(f"`{name}` is needed and must not be empty.")
    if len(text) > _MAX_ARGUMENT_CHARACTERS:
        raise InvalidInputError(
            f"`{name}` must not be longer than {_MAX_ARGUMENT_CHARACTERS} characters."
        )
    plain = _decode_fully(f"`{name}`", text, _MAX_DECODE_ROUNDS)
    if _CONTROL_CHARACTERS.search(plain) or _has_dot_segments(plain):
        raise InvalidInputError(f"`{name}` must not be a path with `.` or `..`.")
    return quote(text, safe="")


def _has_dot_segments(plain: str) -> bool:
    return any(part in (".", "..") for part in re.split(r"[/\\]", plain))


def _decode_fully(what: str, text: str, rounds: int) -> str:
    for _ in range(rounds):
        decoded = unquote(text)
        if decoded == text:
            return text
        text = decoded
    raise InvalidInputError(f"{what} must not be encoded again and again.")


def _render_query(
    templates: Mapping[str, str], arguments: Mapping[str, Any], reveal: RevealSecret
) -> str:
    pairs: list[tuple[str, str]] = []
    for name, template in templates.items():
        whole = PLACEHOLDER_PATTERN.fullmatch(template)
        given = arguments.get(whole["argument"] or "") if whole else None
        if isinstance(given, list):
            pairs += [(name, _to_text(item)) for item in given]
        elif (text := _render_text(template, arguments, reveal)) is not None:
            pairs.append((name, text))
    return urlencode(pairs, quote_via=quote)


def _render_headers(
    templates: Mapping[str, str], arguments: Mapping[str, Any], reveal: RevealSecret
) -> dict[str, str]:
    headers = {}
    for name, template in templates.items():
        text = _render_text(template, arguments, reveal)
        if text is None:
            continue
        if _CONTROL_CHARACTERS.search(text):
            raise InvalidInputError(f"What goes into the header {name} must be a single line.")
        headers[name] = text
    return headers


def _render_text(template: str, arguments: Mapping[str, Any], reveal: RevealSecret) -> str | None:
    """Fill a template; None: an argument in it is missing."""
    names = [match["argument"] for match in PLACEHOLDER_PATTERN.finditer(template)]
    if any(name and arguments.get(name) is None for name in names):
        return None

    def fill(match: re.Match[str]) -> str:
        if match["secret"]:
            return reveal(match["secret"])
        return _to_text(arguments[match["argument"]])

    return PLACEHOLDER_PATTERN.sub(fill, template)


def _render_json(template: Any, arguments: Mapping[str, Any]) -> Any:
    """Fill a JSON template; _ABSENT: an argument in it is missing."""
    match template:
        case dict():
            pairs = ((name, _render_json(part, arguments)) for name, part in template.items())
            return {name: value for name, value in pairs if value is not _ABSENT}
        case list():
            values = (_render_json(part, arguments) for part in template)
            return [value for value in values if value is not _ABSENT]
        case str():
            whole = PLACEHOLDER_PATTERN.fullmatch(template)
            if whole and whole["argument"]:
                return arguments.get(whole["argument"], _ABSENT)
            # bodies may not contain secrets, so the placeholder of a secret stays
            text = _render_text(template, arguments, "{{secret:{}}}".format)
            return _ABSENT if text is None else text
    return template


def _to_text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
