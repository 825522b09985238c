"""Time expressions in English and Russian."""

from datetime import datetime

from sandbox.llm.time_expressions.one_off import find_one_off
from sandbox.llm.time_expressions.recurring import find_recurring
from sandbox.llm.time_expressions.time_expression import TimeExpression

__all__ = ["TimeExpression", "find_time_expression"]


def find_time_expression(text: str, now: datetime) -> TimeExpression | None:
    """Return the time expression of a text, or None."""
    return find_recurring(text, now) or find_one_off(text, now)
