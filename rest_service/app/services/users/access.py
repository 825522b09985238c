"""Who may talk, as tg_bot decides it: nobody else is written to either."""

from sqlalchemy import ColumnElement
from sqlmodel import and_, col, or_, true

from ...models import User

AllowedTelegramIds = frozenset[int] | None
"""Telegram ids on the operator's list; None: everyone."""


def is_allowed(allowed: AllowedTelegramIds) -> ColumnElement[bool]:
    """Of people's rows: a block wins over all, an invitation stands beside the list."""
    listed = true() if allowed is None else col(User.telegram_id).in_(allowed)
    return and_(col(User.status) == "active", or_(col(User.is_invited), listed))
