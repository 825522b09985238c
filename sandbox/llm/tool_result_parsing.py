"""Reading what tools answer: text or JSON, success or failure."""

import json
import re
from datetime import datetime
from typing import Any

_FAILURE = re.compile(
    r"^\W*(?:tool )?(?:error|failed|failure|invalid|unknown|no such|not found|cannot|can't"
    r"|could not|couldn't|unable|refused|ошибка|не удалось|нет так|неизвестн|нельзя)",
    re.IGNORECASE,
)
_ERROR = re.compile(r"^\W*(?:error|ошибка)\b[\s:.!—-]*", re.IGNORECASE)
_MODEL_HINT = re.compile(r"\s*\b(?:Tell the user|Call again\b[^.]*)\.\s*$")
"""Hints at the end of an error that are no news to a person."""
_DATETIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?")
_TIME_ZONE = re.compile(r"\b[A-Z][A-Za-z_]+(?:/[A-Za-z0-9_+-]+)+\b|\bUTC\b")


def parse_json(content: str) -> Any:
    """The JSON value of a result, or None where it is plain text."""
    try:
        return json.loads(content)
    except ValueError:
        return None


def find_error(content: str, *, may_be_prose: bool = False) -> str | None:
    """Why a tool failed, or None where it did not.

    `may_be_prose`: an assistant has written it, so that a first word like “unknown” means nothing.
    """
    value = parse_json(content)
    if isinstance(value, dict) and value.get("error"):
        reason = value.get("detail") or value.get("message") or value["error"]
        return reason if isinstance(reason, str) else json.dumps(reason, ensure_ascii=False)
    error_pattern = _ERROR if may_be_prose else _FAILURE
    if value is not None or not error_pattern.match(content):
        return None
    return _MODEL_HINT.sub("", _ERROR.sub("", content.strip())) or content


def find_datetime(content: str) -> datetime | None:
    """The first date with a time in a result, as it is written there."""
    found = _DATETIME.search(content)
    return datetime.fromisoformat(found[0].replace("Z", "+00:00")) if found else None


def find_time_zone(content: str) -> str:
    """The first IANA zone in a result."""
    found = _TIME_ZONE.search(content)
    return found[0] if found else ""


def format_result(content: str) -> str:
    """A result for a reader: text as it is, JSON as a list of what it holds."""
    value = parse_json(content)
    if isinstance(value, dict):
        return "\n".join(
            f"- {_humanize_name(name)}: {_format_inline(part)}" for name, part in value.items()
        )
    if isinstance(value, list):
        return "\n".join(f"- {_format_inline(part)}" for part in value)
    return content.strip()


def _humanize_name(name: str) -> str:
    return name.replace("_", " ")


def _format_inline(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(
            f"{_humanize_name(name)} {_format_inline(part)}" for name, part in value.items()
        )
    if isinstance(value, list):
        return "; ".join(map(_format_inline, value))
    return str(value)
