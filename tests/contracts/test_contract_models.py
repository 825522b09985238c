"""Every contract: what one process writes another one reads, and no list forgets one."""

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
    """Of an annotated union."""
    return set(get_args(get_args(union)[0]))


CONTRACT_MODELS = sorted(
    {*iter_subclasses(Contract), *iter_subclasses(RequestBody)} - {Page},
    key=lambda shape: shape.__name__,
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
    "api_key": SecretStr("sk-of-no-worth"),
    "value": SecretStr("of-no-worth"),
}
"""What cannot be made up."""


@cache
def make_samples(shape: Model, count: int = SAMPLES) -> list[BaseModel]:
    """The same ones in each run, the first of which is always the same."""
    factory = ModelFactory.create_factory(shape)
    factory.seed_random(1)
    given = {name: value for name, value in WELL_FORMED.items() if name in shape.model_fields}
    return factory.batch(count, **given)


@pytest.mark.parametrize("shape", CONTRACT_MODELS, ids=lambda shape: shape.__name__)
def test_what_is_written_is_what_is_read(shape: Model) -> None:
    for sample in make_samples(shape):
        assert shape.model_validate_json(sample.model_dump_json(exclude_unset=True)) == sample


@pytest.mark.parametrize(("queue", "union"), QUEUES)
def test_every_message_of_a_queue_comes_out_as_it_went_in(
    queue: TypeAdapter[Any], union: Any
) -> None:
    for shape in union_members(union):
        for sample in make_samples(shape):
            received = queue.validate_json(sample.model_dump_json())

            assert type(received) is shape
            assert received == sample


def test_every_queue_message_is_in_exactly_one_queue() -> None:
    sent = {shape for shape in iter_subclasses(QueueMessage) if "kind" in shape.model_fields}

    assert union_members(ToSecretary) | union_members(ToTelegram) == sent
    assert union_members(ToSecretary) & union_members(ToTelegram) == set()


@pytest.mark.parametrize(
    "shape",
    sorted(
        union_members(ToSecretary) | union_members(ToTelegram), key=lambda shape: shape.__name__
    ),
)
def test_a_kind_is_the_name_of_its_class(shape: Model) -> None:
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", shape.__name__).lower()

    assert get_args(shape.model_fields["kind"].annotation) == (name,)
    assert shape.model_fields["kind"].default == name


def test_a_message_of_a_kind_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValidationError, match="kind"):
        TO_SECRETARY_ADAPTER.validate_json('{"kind": "riddle"}')


@pytest.mark.parametrize("shape", CONTRACT_MODELS, ids=lambda shape: shape.__name__)
def test_a_later_version_may_add_a_field_and_a_caller_may_not(shape: Model) -> None:
    written = make_samples(shape, 1)[0].model_dump(mode="json") | {"added_later": 1}
    if issubclass(shape, RequestBody) and shape is not HttpCallSnapshot:
        with pytest.raises(ValidationError, match="added_later"):
            shape.model_validate(written)
    else:
        shape.model_validate(written)


UPDATES = [shape for shape in CONTRACT_MODELS if shape.__name__.endswith("Update")]


@pytest.mark.parametrize("update", UPDATES, ids=lambda shape: shape.__name__)
def test_what_can_be_changed_can_be_given_or_seen(update: Model) -> None:
    resource = update.__name__.removesuffix("Update")
    known = {
        field
        for shape in CONTRACT_MODELS
        if shape.__name__ in (f"{resource}Create", f"{resource}Read")
        for field in shape.model_fields
    }

    assert set(update.model_fields) <= known


@pytest.mark.parametrize("update", UPDATES, ids=lambda shape: shape.__name__)
def test_a_change_names_only_what_changes(update: Model) -> None:
    assert update().model_dump(exclude_unset=True) == {}


TIME_FIELDS = [
    (shape, name)
    for shape in CONTRACT_MODELS
    for name, described in shape.model_json_schema()["properties"].items()
    if '"date-time"' in json.dumps(described)
]


@pytest.mark.parametrize(("shape", "name"), TIME_FIELDS)
def test_a_time_is_called_like_one(shape: Model, name: str) -> None:
    assert name.endswith("_at") or name in ("at", "now", "scheduled_for")


@pytest.mark.parametrize(
    ("shape", "name"), [(shape, name) for shape, name in TIME_FIELDS if issubclass(shape, Contract)]
)
def test_a_time_without_an_offset_is_refused(shape: Model, name: str) -> None:
    written = make_samples(shape, 1)[0].model_dump(mode="json") | {name: "2026-01-01T09:00:00"}

    with pytest.raises(ValidationError, match="timezone"):
        shape.model_validate(written)


@pytest.mark.parametrize(
    ("model", "fallback_models", "asked"),
    [
        (None, None, ("default", "fallback")),
        ("own", None, ("own", "fallback")),
        ("own", [], ("own",)),
        (None, ["other", "default", "other"], ("default", "other")),
    ],
)
def test_an_assistant_asks_its_models_in_their_order_and_each_once(
    model: str | None, fallback_models: list[str] | None, asked: tuple[str, ...]
) -> None:
    assert build_model_chain(model, fallback_models, ("default", "fallback")) == asked


@pytest.mark.parametrize(("now", "seconds"), [("09:00:01.5", 1.5), ("08:59", 0.0), ("09:00", 0.0)])
def test_what_comes_after_its_time_is_late_by_so_many_seconds(now: str, seconds: float) -> None:
    day = "2026-01-01T"
    late = compute_lateness(
        datetime.fromisoformat(f"{day}09:00Z"), datetime.fromisoformat(f"{day}{now}Z")
    )
    assert late == seconds


def test_a_moment_is_kept_in_utc_wherever_it_was_written() -> None:
    moment = TypeAdapter(UtcDatetime).validate_python("2026-11-21T12:00:00+09:00")
    assert (moment.isoformat(), moment.tzinfo) == ("2026-11-21T03:00:00+00:00", UTC)


def test_what_is_made_now_is_of_now_in_utc() -> None:
    before = datetime.now(UTC)
    assert before <= utc_now() <= datetime.now(UTC)
    assert utc_now().tzinfo is UTC
