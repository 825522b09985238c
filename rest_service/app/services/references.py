"""What is in use stays, and who wants to remove it is told by whom it is used."""

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from smart_kit.errors import Conflict

_MOST_NAMES = 5


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
