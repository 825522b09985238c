"""A pressed button that chooses: to the secretary, who alone knows whether it still holds."""

import re
from typing import get_args
from uuid import UUID

import structlog

from smart_kit.contracts.queue import Chosen, UserPress

from .incoming import Press

OWN = "own"
"""Stands for no row: the deployment's own choice."""

CHOSEN: tuple[Chosen, ...] = get_args(Chosen)

_ROW_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

log = structlog.stdlib.get_logger()


def handle_press(press: Press) -> UserPress | None:
    """None where the button is none of ours."""
    kind, _, row = press.data.partition(":")
    chosen = next((one for one in CHOSEN if one == kind), None)
    if chosen is None or not (row == OWN or _ROW_ID.fullmatch(row)):
        log.warning("press of an unknown button", data=ascii(press.data[:64]))
        return None
    return UserPress(
        id=press.id,
        conversation=press.conversation,
        chat_id=press.chat_id,
        correlation_id=press.id,
        sender=press.sender,
        chosen=chosen,
        row_id=None if row == OWN else UUID(row),
    )


def callback_data(chosen: Chosen, row_id: UUID | None) -> str:
    """What `handle_press` reads; Telegram takes 64 bytes."""
    return f"{chosen}:{row_id or OWN}"
