"""Parsing of tool results: text or JSON, success or failure."""

import json
import re
from datetime import datetime
from typing import Any

_FAILURE = re.compile(
    r"(?i)^\W*(?:tool )?(?:error|failed|failure|invalid|unknown|no such|not found|cannot|can't"
    r"|could not|couldn't|unable|refused|ошибка|не удалось|нет так|неизвестн|нельзя)"
)
_ERROR = re.compile(r"(?i)^\W*(?:error|ошибка)\b[\s:.!—-]*")
_MODEL_HINT = re.compile(r"\s*\b(?:Tell the user|Call again\b[^.]*)\.\s*$")
"""Hints for the model at the end of an error, which users need not see."""
_DATETIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?")
_TIME_ZONE = re.compile(r"\b[A-Z][A-Za-z_]+(?:/[A-Za-z0-9_+-]+)+\b|\bUTC\b")


def find_error(content: str, *, may_be_prose: bool = False) -> str | None:
    """Return the error of a tool result, or None for a success.

    `may_be_prose`: an assistant wrote the result, so a first word like “unknown” is no error.
    """
    value = _parse_json(content)
    if isinstance(value, dict) and value.get("error"):
        reason = value.get("detail") or value.get("message") or value["error"]
        return reason if isinstance(reason, str) else json.dumps(reason, ensure_ascii=False)
    error_pattern = _ERROR if may_be_prose else _FAILURE
    if value is not None or not error_pattern.match(content):
        return None
    return _MODEL_HINT.sub("", _ERROR.sub("", content.strip())) or content


def find_datetime(content: str) -> datetime | None:
    """Return the first date with a time in a result, or None."""
    found = _DATETIME.search(content)
    return datetime.fromisoformat(found[0]) if found else None


def find_time_zone(content: str) -> str:
    """Return the first IANA zone in a result, or ""."""
    found = _TIME_ZONE.search(content)
    return found[0] if found else ""


def format_result(content: str) -> str:
    """Return a result for the user: text unchanged, JSON as a Markdown list."""
    match _parse_json(content):
        case dict(fields):
            lines = [f"{_humanize(name)}: {_format_inline(part)}" for name, part in fields.items()]
        case list(parts):
            lines = list(map(_format_inline, parts))
        case _:
            return content.strip()
    return "\n".join(f"- {line}" for line in lines)


def _parse_json(content: str) -> Any:
    """Return the JSON value of a result, or None for plain text."""
    try:
        return json.loads(content)
    except ValueError:
        return None


def _humanize(name: str) -> str:
    return name.replace("_", " ")


def _format_inline(value: Any) -> str:
    if isinstance(value, dict):
        fields = (f"{_humanize(name)} {_format_inline(part)}" for name, part in value.items())
        return ", ".join(fields)
    return "; ".join(map(_format_inline, value)) if isinstance(value, list) else str(value)
