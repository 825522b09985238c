"""Which jobs may fire: those of users who may talk to the bot that delivers them."""

from sqlalchemy import ColumnElement
from sqlmodel import and_, col, or_, true

from ...models import CronJob, User

AllowedTelegramIds = frozenset[int] | None
"""Telegram ids of TELEGRAM_ALLOWED_USERS; None: everyone."""

EligibilityCondition = ColumnElement[bool]
"""A condition on jobs and their users: whether the job may fire."""


def build_eligibility_condition(
    allowed: AllowedTelegramIds, bot_id: int | None
) -> EligibilityCondition:
    """Return the condition: the user may talk, and the job is not of another bot. Others wait."""
    if bot_id is None:
        return _build_access_condition(allowed)
    return and_(
        _build_access_condition(allowed),
        or_(col(CronJob.bot_id).is_(None), CronJob.bot_id == bot_id),
    )


def _build_access_condition(allowed: AllowedTelegramIds) -> ColumnElement[bool]:
    """Return a condition on users: active, and either invited or on the list, as in tg_bot."""
    listed = true() if allowed is None else col(User.telegram_id).in_(allowed)
    return and_(col(User.status) == "active", or_(col(User.is_invited), listed))
