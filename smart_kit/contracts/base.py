"""Base classes and field types of all contracts."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from types import UnionType
from typing import Annotated, Any, Generic, TypeVar, Union, get_args, get_origin
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SecretStr,
    StringConstraints,
    ValidationInfo,
    field_validator,
)


def _to_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("is beyond the calendar") from error


UtcDatetime = Annotated[AwareDatetime, AfterValidator(_to_utc)]
"""An aware time, converted to UTC."""

_NUMBER_PATTERN = re.compile(r"\s*[-+]?[\d.]+\s*")


def _reject_number(value: Any) -> Any:
    """Refuse numbers, which pydantic would read as seconds since 1970."""
    text = value if isinstance(value, str) else ""
    if isinstance(value, int | float) or _NUMBER_PATTERN.fullmatch(text):
        raise ValueError("is a number; a time is written like 2026-11-27T09:00:00+01:00")
    return value


DatetimeInput = Annotated[datetime, BeforeValidator(_reject_number)]
"""A time in a request, with or without an offset."""

ZonedOrLocalTime = Annotated[
    DatetimeInput,
    Field(
        description="ISO 8601; without an offset it is local time in `timezone`",
        examples=["2026-11-27T09:00:00+01:00"],
    ),
]


def _reject_offset(value: datetime) -> datetime:
    if value.tzinfo is not None:
        raise ValueError("has an offset; it is a local time like 2026-11-27T09:00:00")
    return value


LocalDatetime = Annotated[
    DatetimeInput,
    AfterValidator(_reject_offset),
    Field(
        description="ISO 8601 without an offset: local time in `timezone`",
        examples=["2026-11-27T09:00:00"],
    ),
]
"""A local time, which a time zone turns into an instant."""

AwareDatetimeInput = Annotated[UtcDatetime, BeforeValidator(_reject_number)]
"""A time in a request, with an offset."""


def _strip_trailing_zeros(amount: Decimal) -> Decimal:
    text = f"{amount:f}"
    return Decimal(text.rstrip("0") if "." in text else text)


Dollars = Annotated[Decimal, AfterValidator(_strip_trailing_zeros)]
"""USD without trailing zeros: Postgres's 0.100000 becomes 0.1."""

RevealedSecret = Annotated[
    SecretStr, PlainSerializer(SecretStr.get_secret_value, return_type=str, when_used="json")
]
"""A secret that is masked when printed or logged, but not in JSON, as which it is sent."""


def secret_validator(pattern: str, max_length: int, requirement: str) -> AfterValidator:
    """Accept secrets that match the pattern. `requirement` is the error for all others."""

    def validate(secret: SecretStr) -> SecretStr:
        if not 0 < len(secret) <= max_length:
            raise ValueError(f"is empty, or longer than {max_length} characters")
        if not re.fullmatch(pattern, secret.get_secret_value()):
            raise ValueError(requirement)
        return secret

    return AfterValidator(validate)


Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
FunctionName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""A function name that every model provider accepts."""

JsonObject = dict[str, Any]

ItemT = TypeVar("ItemT")


def _iter_types(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) in (Union, UnionType, Annotated):
        for part in get_args(annotation):
            yield from _iter_types(part)
    elif isinstance(annotation, type):
        yield annotation


class Contract(BaseModel):
    """Data that services exchange: immutable; unknown fields are ignored."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, use_attribute_docstrings=True
    )


class RecordRead(Contract):
    """A record as the API shows it."""

    id: UUID
    created_at: UtcDatetime
    updated_at: UtcDatetime


class RequestBody(BaseModel):
    """The body of a request: immutable; unknown fields are refused as mistakes."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True
    )

    @field_validator("*", mode="before")
    @classmethod
    def _check_type(cls, value: Any, field: ValidationInfo) -> Any:
        """Refuse what pydantic would convert: "yes" and 1 to true, "7" to 7."""
        types = set(_iter_types(cls.model_fields[str(field.field_name)].annotation))
        if bool in types and not isinstance(value, bool | None):
            raise ValueError("must be true or false")
        if int in types and isinstance(value, bool | str):
            raise ValueError("must be a number, without quotes")
        return value

    @field_validator("*")
    @classmethod
    def _reject_nul(cls, value: Any) -> Any:
        if isinstance(value, str) and "\0" in value:
            raise ValueError("contains a NUL character, which Postgres cannot store")
        return value


class Page(Contract, Generic[ItemT]):
    """A page of a list."""

    # pydantic would look for docstrings in the source of the code that writes Page[...]
    model_config = ConfigDict(use_attribute_docstrings=False)

    items: list[ItemT]
    total: int = Field(description="Number of items in all pages")
    limit: int
    offset: int


class ErrorRead(Contract):
    """An error; every failed request has this body."""

    error: str = Field(description="The kind of error, e.g. not_found", examples=["not_found"])
    detail: str = Field(description="What went wrong, in a sentence")


def utc_now() -> datetime:
    """Return the real time in UTC, for timestamps of records."""
    return datetime.now(UTC)
