"""Field validators of request bodies: accepted values, normalisation and error messages."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import pytest
from pydantic import BaseModel, SecretStr, TypeAdapter, ValidationError

from smart_kit.contracts.assistants import AssistantUpdate
from smart_kit.contracts.base import AwareDatetimeInput, DatetimeInput, Dollars, UtcDatetime
from smart_kit.contracts.configuration import ModelSnapshot
from smart_kit.contracts.cron_jobs import CronJobUpdate, RunSnooze
from smart_kit.contracts.models import (
    LlmModelUpdate,
    ModelImport,
    ProviderUpdate,
    can_chat,
)
from smart_kit.contracts.secrets import SecretUpdate
from smart_kit.contracts.tools import ToolUpdate
from smart_kit.contracts.users import InviteRedeem, UserUpdate
from smart_kit.urls import url_validator

NUMBER = "is a number; a time is written like 2026-11-27T09:00:00+01:00"
INVALID_BASE_URL = "is not an address such as https://api.openai.com/v1"
BASE_URL_WITH_EXTRAS = "must be only host and path; a key belongs in api_key"
INVALID_JSON = (
    "is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"
)
INVALID_LIST = "is not an address such as https://example.org/models.json"
INVALID_ORIGIN = "is not an address such as https://api.example.org"
ORIGIN_WITH_EXTRAS = "must be only scheme, host and port; the secret belongs in value"
INVALID_API_KEY = "must consist of printable ASCII characters without blanks"
INVALID_SECRET = "must consist of printable ASCII characters and blanks, without line ends"
ID = UUID(int=1)


def get_validation_error(type_: Any, value: Any) -> str:
    with pytest.raises(ValidationError) as raised:
        TypeAdapter(type_).validate_python(value)
    (error,) = raised.value.errors()
    return error["msg"].removeprefix("Value error, ")


@pytest.mark.parametrize(
    ("type_", "value", "message"),
    [
        (UtcDatetime, "0001-01-01T00:00+14:00", "is beyond the calendar"),
        (DatetimeInput, 1795250000, NUMBER),
        (DatetimeInput, 1.5, NUMBER),
        (DatetimeInput, " -1795250000.5 ", NUMBER),
        (AwareDatetimeInput, "1795250000", NUMBER),
        (UserUpdate, {"rich_messages": "yes"}, "must be true or false"),
        (UserUpdate, {"rich_messages": 1}, "must be true or false"),
        (AssistantUpdate, {"max_output_tokens": "700"}, "must be a number, without quotes"),
        (AssistantUpdate, {"max_output_tokens": True}, "must be a number, without quotes"),
        (
            UserUpdate,
            {"first_name": "a\0b"},
            "contains a NUL character, which Postgres cannot store",
        ),
        (
            CronJobUpdate,
            {"local_at": "2026-11-27T09:00:00Z"},
            "has an offset; it is a local time like 2026-11-27T09:00:00",
        ),
        (RunSnooze, {}, "give exactly one of minutes and tomorrow"),
        (RunSnooze, {"minutes": 5, "tomorrow": True}, "give exactly one of minutes and tomorrow"),
        (ProviderUpdate, {"base_url": "ftp://a.b/v1"}, INVALID_BASE_URL),
        (ProviderUpdate, {"base_url": "https:///v1"}, INVALID_BASE_URL),
        (ProviderUpdate, {"base_url": "https://[::1/v1"}, INVALID_BASE_URL),
        (ProviderUpdate, {"base_url": "https://a.b:x/v1"}, INVALID_BASE_URL),
        (ProviderUpdate, {"base_url": "https://a.b/v1?x=1"}, BASE_URL_WITH_EXTRAS),
        (ProviderUpdate, {"base_url": "https://a.b/v1#x"}, BASE_URL_WITH_EXTRAS),
        (ProviderUpdate, {"base_url": "https://u@a.b/v1"}, BASE_URL_WITH_EXTRAS),
        (ProviderUpdate, {"base_url": "https://:p@a.b/v1"}, BASE_URL_WITH_EXTRAS),
        (ProviderUpdate, {"api_key": " \n"}, "is empty, or longer than 4096 characters"),
        (ProviderUpdate, {"api_key": "k" * 4097}, "is empty, or longer than 4096 characters"),
        (ProviderUpdate, {"api_key": "a b"}, INVALID_API_KEY),
        (ProviderUpdate, {"api_key": "aж"}, INVALID_API_KEY),
        (ModelImport, {"provider_id": ID, "url": "models.json"}, INVALID_LIST),
        (
            ModelImport,
            {"provider_id": ID, "url": "https://a.b/models#x"},
            "must be only host, path and query",
        ),
        (SecretUpdate, {"origin": "a.b"}, INVALID_ORIGIN),
        (SecretUpdate, {"origin": "https://a.b?key=x"}, ORIGIN_WITH_EXTRAS),
        (SecretUpdate, {"value": ""}, "is empty, or longer than 8192 characters"),
        (SecretUpdate, {"value": "s" * 8193}, "is empty, or longer than 8192 characters"),
        (SecretUpdate, {"value": "s\n"}, INVALID_SECRET),
        (SecretUpdate, {"value": "ж"}, INVALID_SECRET),
        (
            ToolUpdate,
            {"input_schema": "{"},
            INVALID_JSON,
        ),
    ],
)
def test_an_invalid_value_is_rejected_with_a_helpful_message(
    type_: Any, value: Any, message: str
) -> None:
    assert get_validation_error(type_, value) == message


@pytest.mark.parametrize(
    ("has_query", "url", "message"),
    [
        (None, "a.b", "is not an address such as http://x.y"),
        (None, "https://a.b/?q", "too much"),
        (False, "https://a.b/?q", "too much"),
        (True, "https://a.b/#f", "too much"),
    ],
)
def test_url_validator_uses_the_error_messages_of_its_field(
    has_query: bool | None, url: str, message: str
) -> None:
    options = {} if has_query is None else {"has_query": has_query}
    field = Annotated[str, url_validator("http://x.y", "too much", **options)]

    assert get_validation_error(field, url) == message
    with_query = TypeAdapter(
        Annotated[str, url_validator("http://x.y", "too much", has_query=True)]
    )
    assert with_query.validate_python("https://a.b/?q") == "https://a.b/?q"


def test_a_schema_nested_too_deeply_is_rejected_as_invalid_json() -> None:
    assert get_validation_error(ToolUpdate, {"input_schema": "[" * 100_000}).startswith(
        "is not JSON: "
    )


@pytest.mark.parametrize(
    ("type_", "value", "expected"),
    [
        (DatetimeInput, "2026-11-27T09:00", datetime(2026, 11, 27, 9)),
        (AwareDatetimeInput, "2026-11-27T09:00+01:00", datetime(2026, 11, 27, 8, tzinfo=UTC)),
        (AwareDatetimeInput, "2026-11-27", None),
        (Dollars, Decimal("0.100000"), "0.1"),
        (Dollars, Decimal("100"), "100"),
        (Dollars, Decimal("1E+2"), "100"),
        (Dollars, Decimal("2.000"), "2"),
        (Dollars, Decimal("0.000"), "0"),
    ],
)
def test_times_and_prices_are_normalised(type_: Any, value: Any, expected: Any) -> None:
    if expected is None:
        assert "timezone" in get_validation_error(type_, value)
        return
    parsed = TypeAdapter(type_).validate_python(value)
    assert (str(parsed) if isinstance(parsed, Decimal) else parsed) == expected
    if isinstance(parsed, datetime):
        assert parsed.tzinfo == expected.tzinfo


@pytest.mark.parametrize(
    ("model", "name", "value", "expected"),
    [
        (ProviderUpdate, "base_url", "https://a.b/v1//", "https://a.b/v1"),
        (ProviderUpdate, "base_url", "http://a.b:8000/X/", "http://a.b:8000/X"),
        (ProviderUpdate, "api_key", " sk-1\n", SecretStr("sk-1")),
        (ProviderUpdate, "api_key", "k", SecretStr("k")),
        (ProviderUpdate, "api_key", "k" * 4096, SecretStr("k" * 4096)),
        (SecretUpdate, "origin", "https://a.b/", "https://a.b"),
        (SecretUpdate, "value", " two words ", SecretStr(" two words ")),
        (SecretUpdate, "value", "s", SecretStr("s")),
        (SecretUpdate, "value", "s" * 8192, SecretStr("s" * 8192)),
        (ToolUpdate, "input_schema", '{"type": "object"}', {"type": "object"}),
        (ToolUpdate, "input_schema", {"type": "object"}, {"type": "object"}),
        (UserUpdate, "rich_messages", None, None),
        (UserUpdate, "rich_messages", False, False),
        (AssistantUpdate, "max_output_tokens", 16, 16),
        (AssistantUpdate, "temperature", 1, 1.0),
        (AssistantUpdate, "is_active", True, True),
        (LlmModelUpdate, "input_price", "0.5", Decimal("0.5")),
    ],
)
def test_a_valid_value_is_accepted_and_normalised(
    model: Any, name: str, value: Any, expected: Any
) -> None:
    assert getattr(model.model_validate({name: value}), name) == expected


def test_the_url_of_a_model_list_keeps_its_query() -> None:
    for url in ("https://a.b/models/?next=/", "https://a.b/models"):
        assert ModelImport(provider_id=ID, url=url).url == url


@pytest.mark.parametrize(
    ("body", "name", "expected"),
    [
        (ProviderUpdate(api_key=SecretStr("sk-1")), "api_key", "sk-1"),
        (ProviderUpdate(api_key=None), "api_key", None),
        (SecretUpdate(value=SecretStr("s")), "value", "s"),
        (SecretUpdate(value=None), "value", None),
        (InviteRedeem(code=SecretStr("c"), telegram_id=1), "code", "c"),
    ],
)
def test_secrets_are_serialised_in_plain_text_but_hidden_in_repr(
    body: BaseModel, name: str, expected: str | None
) -> None:
    assert json.loads(body.model_dump_json())[name] == expected
    if expected is not None:
        assert f"'{expected}'" not in repr(body)


def test_capabilities_are_serialised_in_alphabetical_order() -> None:
    capabilities = frozenset({"vision", "tools", "audio", "streaming"})
    model = ModelSnapshot(id=ID, name="m", provider_id=ID, capabilities=capabilities)

    serialised = json.loads(model.model_dump_json())["capabilities"]
    assert serialised == ["audio", "streaming", "tools", "vision"]


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ([], True),
        (["embeddings"], False),
        (["embeddings", "streaming"], False),
        (["embeddings", "tools"], True),
        (["streaming"], True),
    ],
)
def test_a_model_that_only_makes_embeddings_cannot_chat(capabilities: Any, expected: bool) -> None:
    assert can_chat(capabilities) == expected
