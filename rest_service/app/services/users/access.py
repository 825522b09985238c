"""Which users may talk with the bot; the same rule as in tg_bot. Others get no messages."""

from sqlalchemy import ColumnElement
from sqlmodel import and_, col, or_, true

from ...models import User

AllowedTelegramIds = frozenset[int] | None
"""Telegram ids of TELEGRAM_ALLOWED_USERS; None: everyone."""


def is_allowed(allowed: AllowedTelegramIds) -> ColumnElement[bool]:
    """Return a condition on users: active, and either invited or on the list."""
    listed = true() if allowed is None else col(User.telegram_id).in_(allowed)
    return and_(col(User.status) == "active", or_(col(User.is_invited), listed))
