"""What the bot asks of rest_service: people, and the invitations that let them in."""

from uuid import UUID

import httpx2
from pydantic import SecretStr

from smart_kit.contracts.queue import Sender
from smart_kit.contracts.users import InviteRedeem, UserCreate, UserRead, UserUpdate
from smart_kit.errors import Conflict, NotFound
from smart_kit.rest_client import ServiceClient
from smart_kit.settings import RestClientSettings


class RestClient:
    """Every method raises a DomainError, or UpstreamUnavailable."""

    def __init__(
        self, settings: RestClientSettings, transport: httpx2.AsyncBaseTransport | None = None
    ) -> None:
        self._service = ServiceClient(settings, transport)

    async def close(self) -> None:
        """Close the connections."""
        await self._service.close()

    async def get_user(self, telegram_id: int) -> UserRead:
        """A person by their Telegram id. Raises NotFound."""
        return await self._service.call("GET", f"/users/by-telegram-id/{telegram_id}", UserRead)

    async def get_user_by_id(self, user_id: UUID) -> UserRead:
        """A person by our own id. Raises NotFound."""
        return await self._service.call("GET", f"/users/{user_id}", UserRead, user_id=user_id)

    async def create_user(self, sender: Sender) -> UserRead:
        """A new person. Raises Conflict where they are known."""
        body = UserCreate(
            telegram_id=sender.telegram_id,
            first_name=sender.first_name,
            username=sender.username,
            language_code=sender.language_code,
        )
        return await self._service.call("POST", "/users", UserRead, body=body)

    async def get_or_create_user(self, sender: Sender) -> tuple[UserRead, bool]:
        """The person, and whether they are new."""
        try:
            return await self.get_user(sender.telegram_id), False
        except NotFound:
            pass
        try:
            return await self.create_user(sender), True
        except Conflict:  # an earlier attempt's answer was lost, or the assistant was quicker
            return await self.get_user(sender.telegram_id), False

    async def set_rich_messages(self, user_id: UUID, *, is_rich: bool) -> UserRead:
        """Keep whether somebody wants rich messages. Raises NotFound."""
        body = UserUpdate(rich_messages=is_rich)
        return await self._service.call(
            "PATCH", f"/users/{user_id}", UserRead, body=body, user_id=user_id
        )

    async def redeem_invite(self, code: str, sender: Sender) -> UserRead:
        """Let somebody in by a code. Raises a DomainError where the code is not (any more) good."""
        body = InviteRedeem(
            code=SecretStr(code),
            telegram_id=sender.telegram_id,
            first_name=sender.first_name,
            username=sender.username,
            language_code=sender.language_code,
        )
        return await self._service.call("POST", "/invites/redeem", UserRead, body=body)
