"""Properties of all contract models: JSON round trips, unknown fields, names, times."""

import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any, get_args

import pytest
from polyfactory.factories.pydantic_factory import ModelFactory
from pydantic import BaseModel, SecretStr, TypeAdapter, ValidationError

from smart_kit import contracts
from smart_kit.contracts.base import Contract, Page, RequestBody, UtcDatetime, utc_now
from smart_kit.contracts.configuration import HttpCallSnapshot, build_model_chain
from smart_kit.contracts.queue import (
    TO_SECRETARY_ADAPTER,
    TO_TELEGRAM_ADAPTER,
    QueueMessage,
    ToSecretary,
    ToTelegram,
    compute_lateness,
)
from smart_kit.contracts.threads import ARCHIVE_RECORD_ADAPTER, ArchiveRecord

for module in pkgutil.iter_modules(contracts.__path__):
    importlib.import_module(f"{contracts.__name__}.{module.name}")

Model = type[BaseModel]


def iter_subclasses(model: Model) -> Iterator[Model]:
    for child in model.__subclasses__():
        if child.__module__.startswith(contracts.__name__):
            yield child
            yield from iter_subclasses(child)


def union_members(union: Any) -> set[Model]:
    return set(get_args(get_args(union)[0]))


CONTRACT_MODELS = sorted(
    {*iter_subclasses(Contract), *iter_subclasses(RequestBody)} - {Page},
    key=lambda model: model.__name__,
)
QUEUES: list[tuple[TypeAdapter[Any], Any]] = [
    (TO_SECRETARY_ADAPTER, ToSecretary),
    (TO_TELEGRAM_ADAPTER, ToTelegram),
    (ARCHIVE_RECORD_ADAPTER, ArchiveRecord),
]
SAMPLES = 5
WELL_FORMED = {
    "timezone": "Europe/Berlin",
    "base_url": "https://models.example/v1",
    "url": "https://models.example/v1",
    "origin": "https://models.example",
    "minutes": 10,
    "tomorrow": False,
    "api_key": SecretStr("sk-example"),
    "value": SecretStr("example"),
}
"""Values of fields whose validators reject random strings."""


@cache
def make_samples(model: Model, count: int = SAMPLES) -> list[BaseModel]:
    """Make random instances of a model, the same ones in each run."""
    factory = ModelFactory.create_factory(model)
    factory.seed_random(1)
    fixed = {name: value for name, value in WELL_FORMED.items() if name in model.model_fields}
    return factory.batch(count, **fixed)


@pytest.mark.parametrize("model", CONTRACT_MODELS, ids=lambda model: model.__name__)
def test_every_contract_survives_a_json_round_trip(model: Model) -> None:
    for sample in make_samples(model):
        assert model.model_validate_json(sample.model_dump_json(exclude_unset=True)) == sample


@pytest.mark.parametrize(("queue", "union"), QUEUES)
def test_every_message_survives_a_round_trip_through_its_queue(
    queue: TypeAdapter[Any], union: Any
) -> None:
    for model in union_members(union):
        for sample in make_samples(model):
            received = queue.validate_json(sample.model_dump_json())

            assert type(received) is model
            assert received == sample


def test_every_queue_message_is_in_exactly_one_queue() -> None:
    messages = {model for model in iter_subclasses(QueueMessage) if "kind" in model.model_fields}

    assert union_members(ToSecretary) | union_members(ToTelegram) == messages
    assert union_members(ToSecretary) & union_members(ToTelegram) == set()


@pytest.mark.parametrize(
    "model",
    sorted(
        union_members(ToSecretary) | union_members(ToTelegram), key=lambda model: model.__name__
    ),
)
def test_a_message_kind_matches_its_class_name(model: Model) -> None:
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", model.__name__).lower()

    assert get_args(model.model_fields["kind"].annotation) == (name,)
    assert model.model_fields["kind"].default == name


def test_a_message_of_an_unknown_kind_is_rejected() -> None:
    with pytest.raises(ValidationError, match="kind"):
        TO_SECRETARY_ADAPTER.validate_json('{"kind": "riddle"}')


@pytest.mark.parametrize("model", CONTRACT_MODELS, ids=lambda model: model.__name__)
def test_contracts_accept_unknown_fields_and_request_bodies_reject_them(model: Model) -> None:
    """A later version may add fields; a caller of the API may not misspell one."""
    fields = make_samples(model, 1)[0].model_dump(mode="json") | {"added_later": 1}
    if issubclass(model, RequestBody) and model is not HttpCallSnapshot:
        with pytest.raises(ValidationError, match="added_later"):
            model.model_validate(fields)
    else:
        model.model_validate(fields)


UPDATES = [model for model in CONTRACT_MODELS if model.__name__.endswith("Update")]


@pytest.mark.parametrize("update", UPDATES, ids=lambda model: model.__name__)
def test_every_field_of_an_update_can_be_created_or_read(update: Model) -> None:
    resource = update.__name__.removesuffix("Update")
    known = {
        field
        for model in CONTRACT_MODELS
        if model.__name__ in (f"{resource}Create", f"{resource}Read")
        for field in model.model_fields
    }

    assert set(update.model_fields) <= known


@pytest.mark.parametrize("update", UPDATES, ids=lambda model: model.__name__)
def test_an_update_dumps_only_fields_that_were_set(update: Model) -> None:
    assert update().model_dump(exclude_unset=True) == {}


TIME_FIELDS = [
    (model, name)
    for model in CONTRACT_MODELS
    for name, schema in model.model_json_schema()["properties"].items()
    if '"date-time"' in json.dumps(schema) and schema.get("type") != "array"
]


@pytest.mark.parametrize(("model", "name"), TIME_FIELDS)
def test_a_time_field_is_named_like_a_time(model: Model, name: str) -> None:
    assert name.endswith("_at") or name in ("at", "now", "scheduled_for")


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (model, name)
        for model, name in TIME_FIELDS
        if issubclass(model, Contract) and name != "local_at"
    ],
)
def test_a_time_without_an_offset_is_rejected(model: Model, name: str) -> None:
    fields = make_samples(model, 1)[0].model_dump(mode="json") | {name: "2026-01-01T09:00:00"}

    with pytest.raises(ValidationError, match="timezone"):
        model.model_validate(fields)


@pytest.mark.parametrize(
    ("model", "fallback_models", "chain"),
    [
        (None, None, ("default", "fallback")),
        ("own", None, ("own", "fallback")),
        ("own", [], ("own",)),
        (None, ["other", "default", "other"], ("default", "other")),
    ],
)
def test_a_model_chain_has_each_model_once_and_defaults(
    model: str | None, fallback_models: list[str] | None, chain: tuple[str, ...]
) -> None:
    assert build_model_chain(model, fallback_models, ("default", "fallback")) == chain


@pytest.mark.parametrize(("now", "seconds"), [("09:00:01.5", 1.5), ("08:59", 0.0), ("09:00", 0.0)])
def test_lateness_is_the_seconds_since_the_due_time(now: str, seconds: float) -> None:
    day = "2026-01-01T"
    lateness = compute_lateness(
        datetime.fromisoformat(f"{day}09:00Z"), datetime.fromisoformat(f"{day}{now}Z")
    )
    assert lateness == seconds


def test_utc_datetime_converts_other_offsets_to_utc() -> None:
    time = TypeAdapter(UtcDatetime).validate_python("2026-11-21T12:00:00+09:00")
    assert (time.isoformat(), time.tzinfo) == ("2026-11-21T03:00:00+00:00", UTC)


def test_utc_now_returns_the_current_time_in_utc() -> None:
    before = datetime.now(UTC)
    assert before <= utc_now() <= datetime.now(UTC)
    assert utc_now().tzinfo is UTC
