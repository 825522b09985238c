"""Turns the errors of model servers into decisions.

Bodies are a dict, a list with one, or a text; parameters are named in `param`, in `loc`, or only in
the sentence. What is known of whom: the table of providers in the project's notes on Chat
Completions, of which the constants here are what is left.
"""

import email.utils
import json
import re
import time
from collections.abc import Mapping
from typing import Any

from smart_kit.errors import UpstreamError, UpstreamRejected, UpstreamUnavailable

from ...core.errors import ContextTooLong, GaveUp, NotServed, OwnWordsRefused, ParameterRefused
from ...messages.item import encode
from .extras import EXTRAS, FILLS
from .reading import tokens_in

_AGAIN = {408, 409, 425, 429}
_OUT_OF_MONEY = {
    "insufficient_quota",
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
}
_TOO_LONG = re.compile(
    "context_length_exceeded|exceed_context_size_error|maximum context length is"
    "|exceed context limit|maximum context limit|exceeds the available context size"
    "|longer than the model's context length|input tokens exceed the configured limit"
    "|maximum number of tokens allowed|prompt is too long",
    re.IGNORECASE,
)
_OWN_WORDS = re.compile(
    "invalid_encrypted_content|Items are not persisted|without its required following item"
    "|No tool (output|call) found for function call",
    re.IGNORECASE,
)
_PARAMETER = re.compile(
    r"\b(max_completion_tokens|max_tokens|max_output_tokens|parallel_tool_calls|reasoning_effort"
    r"|stream_options|temperature|tool_choice|top_p|verbosity|prompt_cache_key"
    rf"|{'|'.join(sorted({*EXTRAS, *FILLS}, key=len, reverse=True))})\b"
)
"""Those that a sentence may name; where a field names one, it may be any."""
_NAME = re.compile(r"[a-z][a-z_]{2,}")
_MISSING = re.compile("missing|must be (passed|sent|included|provided)|is required", re.IGNORECASE)
_FOR_ALL = re.compile(
    "unsupported_parameter|unknown_parameter|extra_forbidden|extra inputs|unrecognized"
    "|unknown (parameter|field|argument|name)",
    re.IGNORECASE,
)
"""Says that a parameter is not taken, whatever its value."""
_OF_VALUE = re.compile(
    "value|must be|at (most|least)|too (large|high|big|small|low)|range|(less|greater)[ _]than"
    "|exceed|maximum|minimum",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+(\.\d+)?")
_FIELD_LENGTH = 100
OUT_OF_MONEY_SECONDS = 600.0
"""An empty account is seldom filled sooner."""


def error_of(
    status: int | None, body: object, headers: Mapping[str, str], sent: bytes = b""
) -> UpstreamError:
    """The decision about the error answer to the request that was `sent`. Its message is for the
    log, never for a person, and names codes and no sentences: servers quote what they were sent."""
    fields, text = _fields(body), _without_quotes(_text(body), sent)
    named = ", ".join(f"{name} {value[:_FIELD_LENGTH]}" for name, value in fields.items())
    detail = f"{status or 'no status'}: {named or shape_of(_inner(body))}"
    if status == 402 or {fields.get("type"), fields.get("code")} & _OUT_OF_MONEY:
        return NotServed(detail, status=status, seconds=OUT_OF_MONEY_SECONDS)
    if status == 413 or (status in (None, 400, 422) and _TOO_LONG.search(text)):
        return ContextTooLong(detail, status=status)
    if status in (None, 400, 404) and _OWN_WORDS.search(text):
        return OwnWordsRefused(detail, status=status)
    if status is None or status >= 500 or status in _AGAIN:
        return UpstreamUnavailable(detail, status=status, retry_after=_retry_after(headers))
    if status in (401, 404) or 300 <= status < 400:
        return NotServed(detail, status=status)
    if status in (400, 422) and (parameters := _parameters(fields.get("param"), text)):
        is_for_all = "param" in fields and not _OF_VALUE.search(text)
        return ParameterRefused(
            detail,
            parameters=parameters,
            is_missing=_MISSING.search(text) is not None,
            is_for_all=is_for_all or _FOR_ALL.search(text) is not None,
            status=status,
        )
    return UpstreamRejected(detail, status=status)


def error_in(body: object, sent: bytes = b"") -> UpstreamError | None:
    """The error in a body of status 200, where some gateways put it, and models that gave up."""
    if not isinstance(body, dict) or not (body.get("error") or body.get("status") == "failed"):
        return None
    code = _fields(body).get("code")
    status = int(code) if code is not None and re.fullmatch(r"[45]\d\d", code) else None
    error, tokens = error_of(status, body, {}, sent), tokens_in(body)
    has_begun = body.get("status") == "failed" or tokens is not None
    if has_begun and isinstance(error, UpstreamUnavailable):
        return GaveUp(error.message, tokens=tokens)
    return error


def shape_of(body: object) -> str:
    """What a body is without what it says, which may be somebody's words: for the log."""
    if isinstance(body, dict):
        return f"an object of {', '.join(str(key)[:40] for key in list(body)[:10]) or 'nothing'}"
    if isinstance(body, str | list):
        return f"a {type(body).__name__} of {len(body)}"
    return f"a {type(body).__name__}"


def _fields(body: object) -> dict[str, str]:
    """Code, type and param, wherever they are; what is no text or number is left out."""
    body = _inner(body)
    if not isinstance(body, dict):
        return {}
    found = {name: str(body[name]) for name in ("code", "type", "param") if body.get(name)}
    return found | _location(body)


def _inner(body: object) -> object:
    """Of a list with one error, or of an object that holds it."""
    if isinstance(body, list) and body:
        body = body[0]
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) else body


def _location(body: dict[str, Any]) -> dict[str, str]:
    """The `param` of a FastAPI-like body: {"detail": [{"loc": ["body", "name"]}]}."""
    message = body.get("message")
    holder = message if isinstance(message, dict) else body
    details = holder.get("detail")
    if not isinstance(details, list) or not details or not isinstance(details[0], dict):
        return {}
    location = details[0].get("loc")
    return {"param": ".".join(map(str, location))} if isinstance(location, list) else {}


def _parameters(field: str | None, text: str) -> tuple[str, ...]:
    """Those that the field names, else the known ones of the text, in their order.

    `reasoning.effort` is the Responses API's word.
    """
    named = (field or text).replace("reasoning.effort", "reasoning_effort")
    found = (_NAME if field else _PARAMETER).findall(named)
    return tuple(dict.fromkeys(found))


def _text(body: object) -> str:
    return body if isinstance(body, str) else json.dumps(body, ensure_ascii=False, default=str)


def _without_quotes(text: str, sent: bytes) -> str:
    """An error's words without those of the request: a person's say nothing of the model."""
    said = sorted(_texts(json.loads(sent)), key=len, reverse=True) if sent else []
    for one in said:
        text = text.replace(encode(one)[1:-1], "").replace(one, "")
    return text


def _texts(value: Any) -> set[str]:
    """Of more than a word."""
    found, left = set(), [value]
    while left:
        one = left.pop()
        if isinstance(one, dict | list):
            left += one.values() if isinstance(one, dict) else one
        elif isinstance(one, str) and len(one.split(maxsplit=1)) > 1:
            found.add(one)
    return found


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, from either header; the second may hold a date."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        given = headers.get(name, "")
        if _NUMBER.fullmatch(given):
            return float(given) * unit
    try:
        at = email.utils.parsedate_to_datetime(headers.get("retry-after", "")).timestamp()
    except (ValueError, OverflowError):
        return None
    return max(0.0, at - time.time())
