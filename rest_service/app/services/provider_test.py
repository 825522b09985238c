"""Trying a provider: what is wrong with it, in words that say what to do."""

import time
from collections.abc import Collection
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

import httpx2
from sqlmodel import select

from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.models import (
    ModelApi,
    ProviderTestRead,
    ProviderTestRequest,
)
from smart_kit.vault import Vault

from ..database import Sessions
from ..models import LlmModel, LlmProvider
from .endpoint import Endpoint, Reply, Trouble
from .provider_problems import no_api, trouble
from .rows import find

MOST_NAMES = 1000
MOST_TOKENS = 16
"""The least that OpenAI's Responses take."""
_WORD = "Answer with one word: well"
_LIMITS = ("max_tokens", "max_completion_tokens")
"""Servers know one of them, or both; some refuse the other."""
_OURS = frozenset({"stream_options", "max_output_tokens", *_LIMITS})
_MAYBE = ("wrong_path", "no_api")
"""A server may list no models, and answer all the same."""


@dataclass(frozen=True)
class _Wanted:
    """The model to ask."""

    name: str
    api: ModelApi = "chat"
    parameters: JsonObject | None = None


class ProviderTests:
    """Asks providers with their own keys. While it waits for one, no connection to Postgres is
    held."""

    def __init__(self, sessions: Sessions, vault: Vault, http: httpx2.AsyncClient) -> None:
        self._sessions = sessions
        self._vault = vault
        self._http = http

    async def endpoint(self, provider_id: UUID) -> Endpoint:
        """Raises NotFound, and Trouble where its key cannot be read."""
        async with self._sessions() as session:
            row = await find(session, LlmProvider, provider_id, "provider")
        encrypted = row.encrypted_api_key
        key = None if encrypted is None else self._vault.decrypt(row.id, encrypted)
        if encrypted is not None and key is None:
            raise Trouble(
                "unreadable_key",
                "The kept api_key was encrypted with another LLM_MODEL_DECRYPT_KEY: give the"
                " api_key again.",
            )
        return Endpoint(self._http, row.base_url, key)

    async def test(self, provider_id: UUID, body: ProviderTestRequest) -> ProviderTestRead:
        """Raises NotFound; whatever else is wrong is the answer."""
        begun = time.monotonic()
        names: list[str] = []
        try:
            endpoint = await self.endpoint(provider_id)
            wanted = await self._wanted(provider_id, body.model)
            detail = await _try(endpoint, wanted, names)
            problem = None
        except Trouble as error:
            detail, problem = error.message, error.problem
        return ProviderTestRead(
            is_well=problem is None,
            problem=problem,
            detail=detail,
            seconds=round(time.monotonic() - begun, 3),
            model_names=names,
        )

    async def _wanted(self, provider_id: UUID, name: str | None) -> _Wanted | None:
        if name is None:
            return None
        own = select(LlmModel).where(
            LlmModel.provider_id == provider_id, LlmModel.provider_model_name == name
        )
        async with self._sessions() as session:
            row = (await session.exec(own)).first()
        return _Wanted(name, row.api, row.parameters) if row else _Wanted(name)


async def list_models(
    endpoint: Endpoint, most: int, only: Collection[str] = frozenset()
) -> list[str]:
    """The first names that a server lists, of those that are wanted if any are named.

    Raises Trouble.
    """
    reply = await endpoint.ask("GET", "/models")
    if not reply.is_good:
        raise trouble(endpoint, reply)
    content = reply.content
    listed = content.get("data") if isinstance(content, dict) else content
    if not isinstance(listed, list):
        raise no_api(endpoint, reply)
    found = (one.get("id") for one in listed if isinstance(one, dict))
    texts = (name for name in found if isinstance(name, str) and 0 < len(name) <= 255)
    wanted = (name for name in dict.fromkeys(texts) if not only or name.strip() in only)
    return list(islice(filter(endpoint.may_be_said, wanted), most))


async def _try(endpoint: Endpoint, wanted: _Wanted | None, names: list[str]) -> str:
    """What was seen where all is well. Raises Trouble."""
    try:
        names += await list_models(endpoint, MOST_NAMES)
        seen = f"{endpoint.host} answers and lists {len(names)} models"
    except Trouble as error:
        if error.problem not in _MAYBE:
            raise
        if wanted is None:
            advice = " If it lists no models, name one to try it."
            raise Trouble(error.problem, error.message + advice) from error
        seen = f"{endpoint.host} lists no models"
    if wanted is None:
        return f"{seen}."
    await (_respond if wanted.api == "responses" else _chat)(endpoint, wanted, names)
    return f"{seen}; {wanted.name} answers."


async def _chat(endpoint: Endpoint, wanted: _Wanted, names: list[str]) -> None:
    body = _body(wanted) | {"messages": [{"role": "user", "content": _WORD}]}
    for limit in _LIMITS:
        reply = await endpoint.ask("POST", "/chat/completions", body | {limit: MOST_TOKENS})
        if reply.status not in (400, 422) or not any(one in reply.words for one in _LIMITS):
            break
    _check(endpoint, wanted, names, reply, holds="choices")


async def _respond(endpoint: Endpoint, wanted: _Wanted, names: list[str]) -> None:
    body = _body(wanted) | {"input": _WORD, "max_output_tokens": MOST_TOKENS, "store": False}
    reply = await endpoint.ask("POST", "/responses", body)
    try:
        _check(endpoint, wanted, names, reply, holds="output")
    except Trouble as error:
        if error.problem != "wrong_path" or not names:  # where it lists models, base_url is right
            raise
        raise Trouble(
            "wrong_path",
            f"{endpoint.host} has no Responses API (HTTP {reply.status}): give the model"
            ' "api": "chat".',
        ) from error


def _body(wanted: _Wanted) -> JsonObject:
    own = wanted.parameters or {}
    kept = {name: value for name, value in own.items() if name not in _OURS}
    return kept | {"model": wanted.name}


def _check(
    endpoint: Endpoint, wanted: _Wanted, names: list[str], reply: Reply, *, holds: str
) -> None:
    if not reply.is_good:
        raise trouble(endpoint, reply, wanted.name, names)
    content = reply.content
    if not isinstance(content, dict) or not isinstance(content.get(holds), list):
        raise no_api(endpoint, reply)
