"""Buttons that offer time zones, each with its present time."""

from collections.abc import Iterable

from smart_kit.contracts.queue import InlineButton

from .datetimes import format_present_time
from .text_context import TextContext

MAX_ZONES = 6


def build_zone_buttons(
    kind: str, zones: Iterable[str], context: TextContext
) -> tuple[InlineButton, ...]:
    """Return a button for each zone; `kind` is the first part of its callback data."""
    return tuple(build_zone_button(kind, zone, zone, context) for zone in zones)


def build_zone_button(kind: str, name: str, zone: str, context: TextContext) -> InlineButton:
    """Return a button like "Europe/Berlin · 14:05"."""
    label = f"{name} · {format_present_time(zone, context)}"
    return InlineButton(label=label, data=f"{kind}:{zone}")
