"""Compares two versions of a record."""

from collections.abc import Iterator
from difflib import unified_diff
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.versions import ComparisonRead, FieldDifference

from . import versions
from .versions import VersionedTable

MAX_INLINE_LENGTH = 80
"""Longer texts are compared line by line."""


async def compare(
    session: AsyncSession, table: VersionedTable, row_id: UUID, before: int, after: int
) -> ComparisonRead:
    """Return the fields that differ. Raises NotFound."""
    contents = [
        (await versions.read(session, table, row_id, number)).content for number in (before, after)
    ]
    found = list(_diff_records(contents[0] or {}, contents[1] or {}))
    return ComparisonRead(object_id=row_id, before=before, after=after, differences=found)


def _diff_records(before: JsonObject, after: JsonObject) -> Iterator[FieldDifference]:
    for field in {**before, **after}:
        if field != "tools":
            yield from _diff_values(field, before.get(field), after.get(field))
    yield from _diff_links(before.get("tools", []), after.get("tools", []))


def _diff_links(before: list[JsonObject], after: list[JsonObject]) -> Iterator[FieldDifference]:
    """Compare links by tool id. The name is left out: renaming is a change of the tool."""
    old = {link["tool_id"]: link for link in before}
    new = {link["tool_id"]: link for link in after}
    for tool_id in old | new:
        name = (new.get(tool_id) or old[tool_id])["name"]
        pair = (_without_name(links.get(tool_id)) for links in (old, new))
        yield from _diff_values(f"tools.{name}", *pair)


def _without_name(link: JsonObject | None) -> JsonObject | None:
    return link and {key: value for key, value in link.items() if key != "name"}


def _diff_values(field: str, before: Any, after: Any) -> Iterator[FieldDifference]:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in before | after:
            yield from _diff_values(f"{field}.{key}", before.get(key), after.get(key))
        return
    yield FieldDifference(field=field, before=before, after=after, lines=_diff_lines(before, after))


def _diff_lines(before: Any, after: Any) -> list[str]:
    texts = [text for text in (before, after) if isinstance(text, str)]
    if not any("\n" in text or len(text) > MAX_INLINE_LENGTH for text in texts):
        return []
    old, new = (text.splitlines() if isinstance(text, str) else [] for text in (before, after))
    return list(unified_diff(old, new, "before", "after", lineterm=""))
