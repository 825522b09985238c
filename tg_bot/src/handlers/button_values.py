"""Validates what clients send as the value of a button."""

import re
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from smart_kit.settings import TimeZoneName

_ROW_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIMEZONE: TypeAdapter[str] = TypeAdapter(TimeZoneName)


def parse_row_id(value: str) -> UUID | None:
    """Return the id of a row; None if it is none."""
    return UUID(value) if _ROW_ID.fullmatch(value) else None


def parse_timezone(value: str) -> str | None:
    """Return an IANA time zone; None if it is none."""
    try:
        return _TIMEZONE.validate_python(value)
    except ValidationError:
        return None
