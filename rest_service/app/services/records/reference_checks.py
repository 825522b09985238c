"""Refuses to delete records that are in use, and names their users."""

from sqlalchemy import ColumnElement, func, text
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from smart_kit.errors import Conflict

from ...models import User

_MAX_NAMES = 5


def user_display_name() -> ColumnElement[str]:
    """Return an expression for the first name and Telegram id of a user."""
    return func.concat_ws(" ", func.nullif(User.first_name, ""), User.telegram_id)


async def check_unused(
    session: AsyncSession, name: str, *references: tuple[str, SelectOfScalar[str]]
) -> None:
    """Raise Conflict with the names that the first non-empty query returns, after its label."""
    for label, names in references:
        some = names.distinct().order_by(text("1")).limit(_MAX_NAMES + 1)
        found = (await session.exec(some)).all()
        if found:
            shown = ", ".join(found[:_MAX_NAMES]) + (", …" if found[_MAX_NAMES:] else "")
            raise Conflict(f"{name} is in use; {label}: {shown}.")
