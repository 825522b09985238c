"""Imports a list of models: from the request, from a URL, or from the provider itself."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args
from uuid import UUID

from pydantic import ValidationError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.models import (
    Capability,
    LlmModelCreate,
    LlmModelUpdate,
    ModelImport,
    ModelImportRead,
    SkippedModel,
    can_chat,
)
from smart_kit.errors import DomainError, InvalidRequest, UpstreamError
from smart_kit.safe_http.messages import HttpRequest

from ...models import LlmModel, LlmProvider
from ..configuration import model_coverage
from ..configuration.change import configuration_change
from ..configuration.model_coverage import DefaultModels, ModelCoverage
from ..providers.check import ProviderChecker, list_models
from ..providers.client import ProviderError
from ..records.crud import find, get_provided_fields, set_fields
from . import llm_models, model_list_parser
from .model_list_parser import MAX_MODELS, ListedModel

if TYPE_CHECKING:  # aiohttp takes 8 MB, and is rarely used here
    from smart_kit.safe_http.client import SafeHttpClient

ImportOutcome = Literal["created", "updated", "unchanged"]
KnownModel = tuple[LlmModel, str]
"""The record of a model, and the name of its provider."""


async def fetch_list(
    body: ModelImport, providers: ProviderChecker, make_safe_http: "Callable[[], SafeHttpClient]"
) -> list[ListedModel]:
    """Return the models to import. Raises NotFound, and InvalidRequest if there is no list."""
    if body.models is not None and body.url is not None:
        raise InvalidRequest("Set either models or url, not both.")
    only = frozenset(body.only)
    if body.models is not None:
        content: Any = body.models
    elif body.url is not None:
        content = await _fetch_from_url(body.url, make_safe_http)
    else:
        content = await _list_from_provider(body.provider_id, providers, only)
    listed = model_list_parser.parse(content, only)
    listed_names = {one.name for one in listed}
    missing = (name for name in body.only if name not in listed_names)
    return listed + [ListedModel(name, error="is not in the list") for name in missing]


async def apply(
    session: AsyncSession, provider_id: UUID, listed: Sequence[ListedModel], defaults: DefaultModels
) -> ModelImportRead:
    """Create new models and update known ones. Raises NotFound.

    Each model is checked before it is written, so a refused one changes nothing.
    """
    names_by_outcome: dict[ImportOutcome, list[str]] = {
        outcome: [] for outcome in get_args(ImportOutcome)
    }
    skipped: list[SkippedModel] = []
    async with configuration_change(session):
        provider = await find(session, LlmProvider, provider_id)
        known = await _read_known_models(session, listed)
        coverage = await model_coverage.read(session, defaults)
        seen: set[str] = set()
        for one in listed:
            try:
                if one.error or one.name in seen:
                    raise InvalidRequest(one.error or "is in the list twice")
                outcome = _apply_one(session, provider, one, known.get(one.name), coverage)
                names_by_outcome[outcome].append(one.name)
            except ValidationError as error:
                skipped.append(SkippedModel(name=one.name, reason=_format_validation_error(error)))
            except DomainError as error:
                skipped.append(SkippedModel(name=one.name, reason=error.message))
            seen.add(one.name)
    return ModelImportRead(**names_by_outcome, skipped=skipped)


async def _read_known_models(
    session: AsyncSession, listed: Iterable[ListedModel]
) -> dict[str, KnownModel]:
    names = [one.name for one in listed if not one.error]
    rows = (
        select(LlmModel, LlmProvider.name)
        .join(LlmProvider, col(LlmProvider.id) == col(LlmModel.provider_id))
        .where(col(LlmModel.provider_model_name).in_(names))
        .order_by(col(LlmModel.id))
        .with_for_update(of=LlmModel)
    )
    return {row.provider_model_name: (row, name) for row, name in await session.exec(rows)}


def _apply_one(
    session: AsyncSession,
    provider: LlmProvider,
    one: ListedModel,
    known: KnownModel | None,
    coverage: ModelCoverage,
) -> ImportOutcome:
    if known is None:
        own = {"provider_id": provider.id, "provider_model_name": one.name}
        fields = one.fields
        if one.default_capabilities is not None:
            fields = fields | {"capabilities": _merge_capabilities(one.default_capabilities, one)}
        body = LlmModelCreate.model_validate(fields | own)
        new = llm_models.build_row(body)
        coverage.set_usable(one.name, is_usable=_is_usable(new.model_dump(), provider))
        session.add(new)
        return "created"
    row, server = known
    if row.provider_id != provider.id:
        raise InvalidRequest(f"belongs to the provider {server}")
    update = LlmModelUpdate.model_validate(_fields_for_known(one, row))
    fields = get_provided_fields(update, LlmModel)
    if all(getattr(row, name) == value for name, value in fields.items()):
        return "unchanged"
    after = row.model_dump() | fields
    llm_models.check_fields(after, fields)
    coverage.set_usable(one.name, is_usable=_is_usable(after, provider))
    set_fields(row, fields)
    return "updated"


def _is_usable(fields: JsonObject, provider: LlmProvider) -> bool:
    return provider.is_active and fields["is_active"] and can_chat(fields["capabilities"])


def _fields_for_known(one: ListedModel, row: LlmModel) -> JsonObject:
    """Return the fields of a known model that the list mentions; the others stay."""
    if not one.capability_flags:
        return one.fields
    return one.fields | {"capabilities": _merge_capabilities(row.capabilities, one)}


def _merge_capabilities(capabilities: Iterable[Capability], one: ListedModel) -> list[Capability]:
    remaining = [ability for ability in capabilities if one.capability_flags.get(ability, True)]
    return remaining + [
        ability for ability, has in one.capability_flags.items() if has and ability not in remaining
    ]


async def _list_from_provider(
    provider_id: UUID, providers: ProviderChecker, only: frozenset[str]
) -> JsonObject:
    """Fetch the list of the provider, up to one model more than can be imported."""
    try:
        names = await list_models(await providers.get_client(provider_id), MAX_MODELS + 1, only)
    except ProviderError as error:
        raise InvalidRequest(f"The provider does not list its models: {error.message}") from error
    return {"data": [{"id": name} for name in names]}


async def _fetch_from_url(url: str, make_safe_http: "Callable[[], SafeHttpClient]") -> Any:
    http = make_safe_http()
    try:
        answer = await http.send(HttpRequest("GET", url, {"Accept": "application/json"}))
    except UpstreamError as error:
        raise InvalidRequest(f"url: {error.message}") from error
    finally:
        await http.close()
    if answer.status != 200:
        raise InvalidRequest(f"url: The server responds with HTTP {answer.status}.")
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("url: The response is not JSON.") from error


def _format_validation_error(error: ValidationError) -> str:
    """Return the first error, without the value."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    return f"{place}: {first['msg'].removeprefix('Value error, ')}"
