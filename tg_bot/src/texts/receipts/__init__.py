"""Receipts: lines under an answer that state what changed, from records and not from the model."""

from collections.abc import Callable
from typing import get_args

import structlog
from pydantic import ValidationError

from smart_kit.contracts.effects import EffectKind, EffectRead

from ..translations import N_
from .context import ReceiptContext
from .event import describe_event
from .reminder import describe_reminder
from .task import describe_task

EFFECT_KINDS: tuple[EffectKind, ...] = get_args(EffectKind)

_FALLBACK_TITLES = {"reminder": N_("Reminder"), "task": N_("Task"), "event": N_("Event")}
"""For effects whose records cannot be parsed."""

_DESCRIBERS: dict[str, Callable[[EffectRead, ReceiptContext], str]] = {
    "reminder": describe_reminder,
    "task": describe_task,
    "event": describe_event,
}
"""By the first word of the effect's kind."""

log = structlog.stdlib.get_logger()

__all__ = ["EFFECT_KINDS", "ReceiptContext", "describe_effect"]


def describe_effect(effect: EffectRead, context: ReceiptContext) -> str:
    """Return one line, like "✓ Task: buy milk" or "↩ Task removed: buy milk"."""
    mark = "✓" if effect.undoes is None else "↩"
    noun = effect.kind.partition("_")[0]
    try:
        return f"{mark} {_DESCRIBERS[noun](effect, context)}"
    except ValidationError:
        log.error("effect unreadable", effect=str(effect.id), kind=effect.kind)
        return f"{mark} {context.translation.gettext(_FALLBACK_TITLES[noun])}"
