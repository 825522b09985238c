"""Users: profile, permissions, preferences and invitations."""

from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from smart_kit.contracts.base import (
    Contract,
    Dollars,
    Name,
    RecordRead,
    RequestBody,
    RevealedSecret,
    UtcDatetime,
)
from smart_kit.contracts.effects import EffectRead
from smart_kit.contracts.examples import example_config
from smart_kit.settings import Language, TimeZoneName

Role = Literal["owner", "user"]
UserStatus = Literal["active", "blocked"]
TelegramId = Annotated[int, Field(ge=1, lt=2**52, description="Telegram's numeric user id")]
MAX_USER_BATCH = 100
"""Profiles in one request."""
PersonName = Annotated[str, StringConstraints(max_length=255)]
BudgetAmount = Annotated[
    Decimal, Field(ge=0, le=100_000, max_digits=12, decimal_places=6, description="USD a day")
]
LanguageCode = Annotated[str, StringConstraints(max_length=35)]


class UserUpsert(RequestBody):
    """A user's profile in Telegram. Creates the user, or updates an existing one."""

    model_config = example_config(first_name="Ann", username="ann", language_code="en")

    first_name: PersonName = ""
    username: PersonName | None = None
    language_code: LanguageCode | None = Field(None, description="Language in Telegram's settings")


class UserCreate(UserUpsert):
    """A new user."""

    model_config = example_config(telegram_id=123456789, first_name="Ann", language_code="en")

    telegram_id: TelegramId


class UserUpdate(RequestBody):
    """The fields to change. Omitted fields keep their values."""

    model_config = example_config(language="ru", timezone="Europe/Berlin")

    first_name: PersonName | None = None
    username: PersonName | None = None
    language_code: LanguageCode | None = None
    language: Language | None = Field(None, description="The language that the user chose")
    timezone: TimeZoneName | None = Field(None, description="An IANA time zone")
    assistant_id: UUID | None = None
    """The assistant that the user chose: an active secretary."""
    model: Name | None = None
    """The model that the user chose: an active one with is_user_selectable."""
    rich_messages: bool | None = None
    """Whether tables and formulas are sent as Telegram's rich messages."""
    role: Role | None = Field(None, description="Requires the admin token")
    status: UserStatus | None = Field(None, description="Requires the admin token")
    daily_budget: BudgetAmount | None = None
    """Requires the admin token; null: the deployment's DAILY_BUDGET."""


class UserRead(RecordRead):
    """A user."""

    telegram_id: int
    first_name: str
    username: str | None
    language_code: str | None
    language: Language | None
    timezone: str | None
    assistant_id: UUID | None
    model: str | None
    rich_messages: bool = True
    role: Role
    status: UserStatus
    daily_budget: Dollars | None
    is_invited: bool = Field(description="Whether the user redeemed an invitation")
    effect: EffectRead | None = None
    """The receipt, if settings changed and the request had an Idempotency-Key."""


class UserSnapshot(Contract):
    """A user in Redis, so that processing a message needs no REST call."""

    id: UUID
    telegram_id: int
    first_name: str
    role: Role
    status: UserStatus
    is_invited: bool
    language_code: str | None
    language: Language | None
    timezone: str | None
    assistant_id: UUID | None
    model: str | None = None
    rich_messages: bool = True
    daily_budget: Dollars | None = None
    """USD: the user's own budget, or DAILY_BUDGET; None: no limit."""
    threads: dict[UUID, UUID] = Field(default_factory=dict)
    """Assistant to current thread, for assistants with more than the first thread."""
    version: int


class UserBatchUpsert(RequestBody):
    """Profiles of users in Telegram. Creates unknown users, and updates the others.

    Of two profiles with one Telegram id, the fields of the later one count.
    """

    model_config = example_config(profiles=[{"telegram_id": 123456789, "first_name": "Ann"}])

    profiles: list[UserCreate] = Field(min_length=1, max_length=MAX_USER_BATCH)


class UpsertedUser(Contract):
    """A created or updated user."""

    user: UserSnapshot
    """As it is written to Redis."""
    is_new: bool


class UserBatchRead(Contract):
    """Created and updated users, one for each Telegram id, in the order of their first profiles."""

    users: list[UpsertedUser]


class InviteCreate(RequestBody):
    """A new invitation."""

    model_config = example_config(role="user")

    role: Role = "user"


class InviteRead(Contract):
    """An invitation. The code is shown only once, because only its hash is stored."""

    code: str
    role: Role
    expires_at: UtcDatetime


class InviteRedeem(UserCreate):
    """Redeems an invitation."""

    model_config = example_config(code="k3Jx0PzQ7dVn2aYbR5tWcg", telegram_id=123456789)

    code: RevealedSecret
