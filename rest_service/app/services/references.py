"""What is in use stays, and who wants to remove it is told by whom it is used."""

from sqlalchemy import ColumnElement, func, text
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from smart_kit.errors import Conflict

from ..models import User

_MOST_NAMES = 5


def person_name() -> ColumnElement[str]:
    """What an administrator knows a person by."""
    return func.concat_ws(" ", func.nullif(User.first_name, ""), User.telegram_id)


async def check_unused(
    session: AsyncSession, name: str, *users: tuple[str, SelectOfScalar[str]]
) -> None:
    """Raises Conflict with the names of those users that there are; each has a word for them."""
    for who, names in users:
        some = names.distinct().order_by(text("1")).limit(_MOST_NAMES + 1)
        found = (await session.exec(some)).all()
        if found:
            shown = ", ".join(found[:_MOST_NAMES]) + (", …" if found[_MOST_NAMES:] else "")
            raise Conflict(f"{name} is in use; {who}: {shown}.")
