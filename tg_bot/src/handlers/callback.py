"""Presses of the buttons of /assistant and /model.

The assistant decides whether the choice still exists.
"""

import re
from typing import get_args
from uuid import UUID

import structlog

from smart_kit.contracts.queue import ChoiceKind, UserPress

from ..texts.choice_prompts import DEFAULT_CHOICE
from .incoming import ButtonPress

CHOICE_KINDS: tuple[ChoiceKind, ...] = get_args(ChoiceKind)

_ROW_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

log = structlog.stdlib.get_logger()


def handle_callback(press: ButtonPress) -> UserPress | None:
    """Return the press for the assistant; None if no button of ours has this data."""
    kind, _, row = press.data.partition(":")
    choice_kind = next((one for one in CHOICE_KINDS if one == kind), None)
    if choice_kind is None or not (row == DEFAULT_CHOICE or _ROW_ID.fullmatch(row)):
        log.warning("unknown callback data ignored", data=ascii(press.data[:64]))
        return None
    return UserPress(
        id=press.id,
        conversation=press.conversation,
        chat_id=press.chat_id,
        correlation_id=press.id,
        sender=press.sender,
        choice_kind=choice_kind,
        row_id=None if row == DEFAULT_CHOICE else UUID(row),
    )
