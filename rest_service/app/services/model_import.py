"""Taking over a list of models: given, fetched from an address, or the provider's own."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal
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
    can_answer,
)
from smart_kit.errors import DomainError, InvalidRequest, UpstreamError
from smart_kit.guarded_http import GuardedHttp, OutsideRequest

from ..models import LlmModel, LlmProvider
from . import chains, llm_models, model_list
from .chains import Answering, DefaultModels
from .configuration import changing
from .endpoint import Trouble
from .model_list import MOST_MODELS, Listed
from .provider_test import ProviderTests, list_models
from .rows import change, find, given_fields

Outcome = Literal["created", "updated", "unchanged"]
Known = tuple[LlmModel, str]
"""A model's record, and how its provider is called."""


async def fetch(
    body: ModelImport, providers: ProviderTests, outside: Callable[[], GuardedHttp]
) -> list[Listed]:
    """The models that are wanted. Raises NotFound, and InvalidRequest where there is no list."""
    if body.models is not None and body.url is not None:
        raise InvalidRequest("Give models or url, not both.")
    only = frozenset(body.only)
    if body.models is not None:
        content: Any = body.models
    elif body.url is not None:
        content = await _from_url(body.url, outside)
    else:
        content = await _own(body.provider_id, providers, only)
    listed = model_list.read(content, only)
    there = {one.name for one in listed}
    missing = (name for name in body.only if name not in there)
    return listed + [Listed(name, fault="is not in the list") for name in missing]


async def take(
    session: AsyncSession, provider_id: UUID, listed: Sequence[Listed], defaults: DefaultModels
) -> ModelImportRead:
    """Add what is new and change what differs. Raises NotFound.

    Each is looked at before anything of it is written: so one that is refused leaves no trace.
    """
    done: dict[Outcome, list[str]] = {"created": [], "updated": [], "unchanged": []}
    skipped: list[SkippedModel] = []
    async with changing(session):
        provider = await find(session, LlmProvider, provider_id, "provider")
        known = await _known(session, listed)
        answering = await chains.read(session, defaults)
        seen: set[str] = set()
        for one in listed:
            try:
                if one.fault or one.name in seen:
                    raise InvalidRequest(one.fault or "is in the list twice")
                outcome = _take_one(session, provider, one, known.get(one.name), answering)
                done[outcome].append(one.name)
            except ValidationError as error:
                skipped.append(SkippedModel(name=one.name, reason=_sentence(error)))
            except DomainError as error:
                skipped.append(SkippedModel(name=one.name, reason=error.message))
            seen.add(one.name)
    return ModelImportRead(**done, skipped=skipped)


async def _known(session: AsyncSession, listed: Iterable[Listed]) -> dict[str, Known]:
    """Those of the list that have a record, each with its provider's name."""
    names = [one.name for one in listed if not one.fault]
    rows = (
        select(LlmModel, LlmProvider.name)
        .join(LlmProvider, col(LlmProvider.id) == col(LlmModel.provider_id))
        .where(col(LlmModel.provider_model_name).in_(names))
        .order_by(col(LlmModel.id))
        .with_for_update(of=LlmModel)
    )
    return {row.provider_model_name: (row, name) for row, name in await session.exec(rows)}


def _take_one(
    session: AsyncSession,
    provider: LlmProvider,
    one: Listed,
    known: Known | None,
    answering: Answering,
) -> Outcome:
    if known is None:
        own = {"provider_id": provider.id, "provider_model_name": one.name}
        body = LlmModelCreate.model_validate(_new_fields(one) | own)
        new = llm_models.new_row(body)
        answering.take(one.name, is_usable=_is_usable(new.model_dump(), provider))
        session.add(new)
        return "created"
    row, server = known
    if row.provider_id != provider.id:
        raise InvalidRequest(f"is a model of {server}")
    update = LlmModelUpdate.model_validate(_fields_of(one, row))
    fields = given_fields(update, LlmModel)
    if all(getattr(row, name) == value for name, value in fields.items()):
        return "unchanged"
    after = row.model_dump() | fields
    llm_models.check(after, fields)
    answering.take(one.name, is_usable=_is_usable(after, provider))
    change(row, fields)
    return "updated"


def _is_usable(fields: JsonObject, provider: LlmProvider) -> bool:
    return provider.is_active and fields["is_active"] and can_answer(fields["capabilities"])


def _new_fields(one: Listed) -> JsonObject:
    if one.abilities is None:
        return one.fields
    return one.fields | {"capabilities": _with_flags(one.abilities, one)}


def _fields_of(one: Listed, row: LlmModel) -> JsonObject:
    """What the list says of a model that is known; where it says nothing, that stays."""
    if not one.flags:
        return one.fields
    return one.fields | {"capabilities": _with_flags(row.capabilities, one)}


def _with_flags(abilities: Iterable[Capability], one: Listed) -> list[Capability]:
    kept = [ability for ability in abilities if one.flags.get(ability, True)]
    return kept + [ability for ability, has in one.flags.items() if has and ability not in kept]


async def _own(provider_id: UUID, providers: ProviderTests, only: frozenset[str]) -> JsonObject:
    """What the provider itself lists: one more than can be taken, at most."""
    try:
        names = await list_models(await providers.endpoint(provider_id), MOST_MODELS + 1, only)
    except Trouble as error:
        raise InvalidRequest(f"The provider does not tell its models: {error.message}") from error
    return {"data": [{"id": name} for name in names]}


async def _from_url(url: str, outside: Callable[[], GuardedHttp]) -> Any:
    http = outside()
    try:
        answer = await http.send(OutsideRequest("GET", url, {"Accept": "application/json"}))
    except UpstreamError as error:
        raise InvalidRequest(f"url: {error.message}") from error
    finally:
        await http.close()
    if answer.status != 200:
        raise InvalidRequest(f"url: The server answers with HTTP {answer.status}.")
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("url: What comes from there is not JSON.") from error


def _sentence(error: ValidationError) -> str:
    """The first thing that is wrong, without the value."""
    problem = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, problem["loc"]))
    return f"{place}: {problem['msg'].removeprefix('Value error, ')}"
