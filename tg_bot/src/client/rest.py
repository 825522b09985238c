"""Client of rest_service: users and invitations."""

from uuid import UUID

import httpx2
from pydantic import SecretStr

from smart_kit.contracts.queue import Sender
from smart_kit.contracts.users import InviteRedeem, UserCreate, UserRead, UserUpdate
from smart_kit.errors import Conflict, NotFound
from smart_kit.rest_client import RestClientSettings, ServiceClient


class RestClient:
    """The calls that the bot makes. Every method raises a DomainError or UpstreamUnavailable."""

    def __init__(
        self, settings: RestClientSettings, transport: httpx2.AsyncBaseTransport | None = None
    ) -> None:
        self._service = ServiceClient(settings, transport)

    async def close(self) -> None:
        """Close the connections."""
        await self._service.close()

    async def get_user(self, telegram_id: int) -> UserRead:
        """Return a user by Telegram id. Raises NotFound."""
        return await self._service.call("GET", f"/users/by-telegram-id/{telegram_id}", UserRead)

    async def get_user_by_id(self, user_id: UUID) -> UserRead:
        """Return a user by id. Raises NotFound."""
        return await self._service.call("GET", f"/users/{user_id}", UserRead, user_id=user_id)

    async def create_user(self, sender: Sender) -> UserRead:
        """Create a user. Raises Conflict if the Telegram id exists."""
        body = UserCreate(
            telegram_id=sender.telegram_id,
            first_name=sender.first_name,
            username=sender.username,
            language_code=sender.language_code,
        )
        return await self._service.call("POST", "/users", UserRead, body=body)

    async def get_or_create_user(self, sender: Sender) -> tuple[UserRead, bool]:
        """Return the user and whether it was created by this call."""
        try:
            return await self.get_user(sender.telegram_id), False
        except NotFound:
            pass
        try:
            return await self.create_user(sender), True
        except Conflict:  # a lost response to an earlier attempt, or the assistant was first
            return await self.get_user(sender.telegram_id), False

    async def set_rich_messages(self, user_id: UUID, *, is_rich: bool) -> UserRead:
        """Save whether a user wants rich messages. Raises NotFound."""
        body = UserUpdate(rich_messages=is_rich)
        return await self._service.call(
            "PATCH", f"/users/{user_id}", UserRead, body=body, user_id=user_id
        )

    async def redeem_invite(self, code: str, sender: Sender) -> UserRead:
        """Redeem an invitation code. Raises a DomainError if it is invalid or has expired."""
        body = InviteRedeem(
            code=SecretStr(code),
            telegram_id=sender.telegram_id,
            first_name=sender.first_name,
            username=sender.username,
            language_code=sender.language_code,
        )
        return await self._service.call("POST", "/invites/redeem", UserRead, body=body)
