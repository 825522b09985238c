"""A pressed button that chooses: to the secretary, who alone knows whether it still holds."""

import re
from typing import get_args
from uuid import UUID

import structlog

from smart_kit.contracts.queue import ChoiceKind, UserPress

from .incoming import ButtonPress

DEFAULT_CHOICE = "default"
"""Stands for no row: the deployment's own choice."""

CHOICE_KINDS: tuple[ChoiceKind, ...] = get_args(ChoiceKind)

_ROW_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

log = structlog.stdlib.get_logger()


def handle_callback(press: ButtonPress) -> UserPress | None:
    """None where the button is none of ours."""
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


def build_callback_data(choice_kind: ChoiceKind, row_id: UUID | None) -> str:
    """What `handle_press` reads; Telegram takes 64 bytes."""
    return f"{choice_kind}:{row_id or DEFAULT_CHOICE}"
