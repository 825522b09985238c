"""What every contract has in common."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from types import UnionType
from typing import Annotated, Any, Generic, TypeVar, Union, get_args, get_origin

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
"""An aware time, kept in UTC."""

_NUMBER_PATTERN = re.compile(r"\s*[-+]?[\d.]+\s*")


def _reject_number(value: Any) -> Any:
    """Pydantic would count seconds from 1970: a mistake of somebody who means something else."""
    if isinstance(value, int | float) or (
        isinstance(value, str) and _NUMBER_PATTERN.fullmatch(value)
    ):
        raise ValueError("is a number; a time is written like 2026-11-27T09:00:00+01:00")
    return value


DatetimeInput = Annotated[datetime, BeforeValidator(_reject_number)]
"""A time as callers write it, with an offset or without."""

AwareDatetimeInput = Annotated[UtcDatetime, BeforeValidator(_reject_number)]
"""A time as callers write it, with an offset."""


def _strip_trailing_zeros(amount: Decimal) -> Decimal:
    text = f"{amount:f}"
    return Decimal(text.rstrip("0") if "." in text else text)


Dollars = Annotated[Decimal, AfterValidator(_strip_trailing_zeros)]
"""USD without zeros at its end: 0.100000, as Postgres has it, is 0.1."""

RevealedSecret = Annotated[
    SecretStr, PlainSerializer(SecretStr.get_secret_value, return_type=str, when_used="json")
]
"""A secret that is readable as JSON, in which it is sent, and masked wherever it is printed."""

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
FunctionName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""The characters every model provider takes in the name of a function."""

JsonObject = dict[str, Any]

ItemT = TypeVar("ItemT")


def _iter_types(annotation: Any) -> Iterator[Any]:
    """What a field may hold, behind every `| None` and Annotated."""
    if get_origin(annotation) in (Union, UnionType, Annotated):
        for part in get_args(annotation):
            yield from _iter_types(part)
    elif isinstance(annotation, type):
        yield annotation


class Contract(BaseModel):
    """A shape that crosses a process border: immutable, and tolerant of fields added later."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class RequestBody(BaseModel):
    """A shape that a caller writes: an unknown field is a mistake and is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @field_validator("*", mode="before")
    @classmethod
    def _check_type(cls, value: Any, field: ValidationInfo) -> Any:
        """Pydantic would take "yes" and 1 for true, "7" for 7."""
        types = set(_iter_types(cls.model_fields[str(field.field_name)].annotation))
        if bool in types and not isinstance(value, bool | None):
            raise ValueError("is true or false")
        if int in types and isinstance(value, bool | str):
            raise ValueError("is a number, without quotes")
        return value

    @field_validator("*")
    @classmethod
    def _reject_nul(cls, value: Any) -> Any:
        if isinstance(value, str) and "\0" in value:
            raise ValueError("holds a NUL character, which Postgres cannot keep")
        return value


class Page(Contract, Generic[ItemT]):
    """A slice of a list."""

    items: list[ItemT]
    total: int = Field(description="How many there are in all")
    limit: int
    offset: int


class ErrorRead(Contract):
    """The one shape of every refusal."""

    error: str = Field(description="The kind of error, e.g. not_found", examples=["not_found"])
    detail: str = Field(description="What is wrong, in a sentence")


def utc_now() -> datetime:
    """Real time in UTC, for records of what happened."""
    return datetime.now(UTC)
