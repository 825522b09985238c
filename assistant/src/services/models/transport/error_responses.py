"""Turns the errors of model servers into decisions.

A body is a dict, a list with one, or text. A parameter is named in `param`, in `loc`, or only in
the message. The codes and phrases are those of known providers: see
tests/services/models/test_provider_quirks.py.
"""

import email.utils
import json
import re
import time
from collections.abc import Mapping
from typing import Any

from smart_kit.errors import UpstreamError, UpstreamRejected, UpstreamUnavailable

from ....core.errors import (
    ContextLengthExceeded,
    GenerationFailed,
    MessageExtrasRejected,
    ModelNotAccessible,
    UnsupportedParameter,
)
from ....messages.item import encode_json
from ..request_adaptation import DEFAULT_EXTRAS, EXTRA_KEYS
from ..response_parsing import parse_token_usage

_RETRYABLE_STATUSES = {408, 409, 425, 429}
_QUOTA_CODES = {
    "insufficient_quota",
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
}
_CONTEXT_LENGTH_PATTERN = re.compile(
    "(?i)context_length_exceeded|exceed_context_size_error|maximum context length is"
    "|exceed context limit|maximum context limit|exceeds the available context size"
    "|longer than the model's context length|input tokens exceed the configured limit"
    "|maximum number of tokens allowed|prompt is too long",
)
_EXTRAS_REJECTED_PATTERN = re.compile(
    "(?i)invalid_encrypted_content|Items are not persisted|without its required following item"
    "|No tool (output|call) found for function call",
)
_PARAMETER_PATTERN = re.compile(
    r"\b(max_completion_tokens|max_tokens|max_output_tokens|parallel_tool_calls|reasoning_effort"
    r"|stream_options|temperature|tool_choice|top_p|verbosity|prompt_cache_key"
    rf"|{'|'.join(sorted({*EXTRA_KEYS, *DEFAULT_EXTRAS}, key=len, reverse=True))})\b"
)
"""Parameters recognized in an error text; an error's `param` field may name any."""
_NAME_PATTERN = re.compile(r"[a-z][a-z_]{2,}")
_MISSING_PATTERN = re.compile("(?i)missing|must be (passed|sent|included|provided)|is required")
_UNSUPPORTED_PATTERN = re.compile(
    "(?i)unsupported_parameter|unknown_parameter|extra_forbidden|extra inputs|unrecognized"
    "|unknown (parameter|field|argument|name)",
)
"""Texts that reject a parameter regardless of its value."""
_VALUE_PATTERN = re.compile(
    "(?i)value|must be|at (most|least)|too (large|high|big|small|low)|range|(less|greater)[ _]than"
    "|exceed|maximum|minimum",
)
QUOTA_PAUSE_SECONDS = 600.0
"""Pause for an empty account, which is seldom topped up sooner."""


def error_from_response(
    status: int | None, body: object, headers: Mapping[str, str], sent: bytes = b""
) -> UpstreamError:
    """Return the error that a response to the request `sent` means.

    Its message is for the log, not for users. It contains codes and no sentences, because servers
    quote the request.
    """
    fields, text = _extract_fields(body), _to_text_without_request(body, sent)
    named = ", ".join(f"{name} {value[:100]}" for name, value in fields.items())
    detail = f"{status or 'no status'}: {named or describe_shape(_unwrap_error(body))}"
    if status == 402 or {fields.get("type"), fields.get("code")} & _QUOTA_CODES:
        return ModelNotAccessible(detail, status=status, pause_seconds=QUOTA_PAUSE_SECONDS)
    if status == 413 or (status in (None, 400, 422) and _CONTEXT_LENGTH_PATTERN.search(text)):
        return ContextLengthExceeded(detail, status=status)
    if status in (None, 400, 404) and _EXTRAS_REJECTED_PATTERN.search(text):
        return MessageExtrasRejected(detail, status=status)
    if status is None or status >= 500 or status in _RETRYABLE_STATUSES:
        return UpstreamUnavailable(detail, status=status, retry_after=_parse_retry_after(headers))
    if status in (401, 404) or 300 <= status < 400:
        return ModelNotAccessible(detail, status=status)
    if status in (400, 422) and (parameters := _find_parameters(fields.get("param"), text)):
        is_named = "param" in fields and not _VALUE_PATTERN.search(text)
        return UnsupportedParameter(
            detail,
            parameters=parameters,
            is_missing=bool(_MISSING_PATTERN.search(text)),
            is_for_any_value=is_named or bool(_UNSUPPORTED_PATTERN.search(text)),
            status=status,
        )
    return UpstreamRejected(detail, status=status)


def error_from_body(body: object, sent: bytes = b"") -> UpstreamError | None:
    """Return the error in a body of status 200, as some gateways and failed generations send it."""
    if not isinstance(body, dict) or not (body.get("error") or body.get("status") == "failed"):
        return None
    code = _extract_fields(body).get("code")
    status = int(code) if code is not None and re.fullmatch(r"[45]\d\d", code) else None
    error, tokens = error_from_response(status, body, {}, sent), parse_token_usage(body)
    has_started = body.get("status") == "failed" or tokens is not None
    if has_started and isinstance(error, UpstreamUnavailable):
        return GenerationFailed(error.message, tokens=tokens)
    return error


def describe_shape(body: object) -> str:
    """Describe a body for the log without its content, which may quote users."""
    if isinstance(body, dict):
        return f"an object of {', '.join(str(key)[:40] for key in list(body)[:10]) or 'nothing'}"
    if isinstance(body, str | list):
        return f"a {type(body).__name__} of {len(body)}"
    return f"a {type(body).__name__}"


def _extract_fields(body: object) -> dict[str, str]:
    """Return code, type and param, wherever the body has them."""
    body = _unwrap_error(body)
    if not isinstance(body, dict):
        return {}
    found = {name: str(body[name]) for name in ("code", "type", "param") if body.get(name)}
    match body:
        # as FastAPI sends it: {"detail": [{"loc": ["body", "name"]}]}
        case {"message": {"detail": [{"loc": [*location]}, *_]}} | {
            "detail": [{"loc": [*location]}, *_]
        }:
            found["param"] = ".".join(map(str, location))
    return found


def _unwrap_error(body: object) -> object:
    """Return the error object from a list or an enclosing object."""
    if isinstance(body, list) and body:
        body = body[0]
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) else body


def _find_parameters(field: str | None, text: str) -> tuple[str, ...]:
    """Return the parameters in the error's `param` field, else the known ones in the text."""
    named = (field or text).replace("reasoning.effort", "reasoning_effort")  # of the Responses API
    found = (_NAME_PATTERN if field else _PARAMETER_PATTERN).findall(named)
    return tuple(dict.fromkeys(found))


def _to_text_without_request(body: object, sent: bytes) -> str:
    """Return the body without quotes of the request, so that users' texts match no pattern."""
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False, default=str)
    sent_texts = _collect_texts(json.loads(sent)) if sent else ()
    for quote in sorted(sent_texts, key=len, reverse=True):
        text = text.replace(encode_json(quote)[1:-1], "").replace(quote, "")
    return text


def _collect_texts(value: Any) -> set[str]:
    """Return all texts of more than one word."""
    found, left = set(), [value]
    while left:
        part = left.pop()
        if isinstance(part, dict | list):
            left += part.values() if isinstance(part, dict) else part
        elif isinstance(part, str) and len(part.split(maxsplit=1)) > 1:
            found.add(part)
    return found


def _parse_retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds in either header; `retry-after` may also be a date."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        given = headers.get(name, "")
        if re.fullmatch(r"\d+(\.\d+)?", given):
            return float(given) * unit
    try:
        at = email.utils.parsedate_to_datetime(headers.get("retry-after", "")).timestamp()
    except (ValueError, OverflowError):
        return None
    return max(0.0, at - time.time())
