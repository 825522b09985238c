"""Client of rest_service: users and invitations."""

from uuid import UUID

from pydantic import SecretStr

from smart_kit.contracts.queue import Sender
from smart_kit.contracts.users import InviteRedeem, UserCreate, UserRead, UserUpdate
from smart_kit.errors import Conflict, NotFound
from smart_kit.rest_client import ServiceClient


class RestClient(ServiceClient):
    """The calls that the bot makes. Every method raises a DomainError or UpstreamUnavailable."""

    async def get_user(self, telegram_id: int) -> UserRead:
        """Return a user by Telegram id. Raises NotFound."""
        return await self.call("GET", f"/users/by-telegram-id/{telegram_id}", UserRead)

    async def get_or_create_user(self, sender: Sender) -> tuple[UserRead, bool]:
        """Return the user and whether it was created by this call."""
        try:
            return await self.get_user(sender.telegram_id), False
        except NotFound:
            pass
        try:
            body = UserCreate(**sender.model_dump())
            return await self.call("POST", "/users", UserRead, body=body), True
        except Conflict:  # a lost response to an earlier attempt, or the assistant was first
            return await self.get_user(sender.telegram_id), False

    async def set_rich_messages(self, user_id: UUID, *, is_rich: bool) -> UserRead:
        """Save whether a user wants rich messages. Raises NotFound."""
        body = UserUpdate(rich_messages=is_rich)
        return await self.call("PATCH", f"/users/{user_id}", UserRead, body=body, user_id=user_id)

    async def redeem_invite(self, code: str, sender: Sender) -> UserRead:
        """Redeem an invitation code. Raises a DomainError if it is invalid or has expired."""
        body = InviteRedeem(code=SecretStr(code), **sender.model_dump())
        return await self.call("POST", "/invites/redeem", UserRead, body=body)
