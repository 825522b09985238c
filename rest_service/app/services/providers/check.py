"""Checks a provider's connection. Each error says what to do about it."""

import time
from collections.abc import Collection
from itertools import islice
from uuid import UUID

import httpx2
from sqlmodel import select

from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.models import ProviderTestRead, ProviderTestRequest
from smart_kit.vault import Vault

from ...database import SessionFactory
from ...models import LlmModel, LlmProvider
from ..records.crud import find
from .client import ProviderClient, ProviderError, ProviderResponse
from .diagnosis import diagnose, unexpected_response_error

MAX_NAMES = 1000
MAX_OUTPUT_TOKENS = 16
"""The minimum of OpenAI's Responses API."""
_PROMPT = "Answer with one word: OK"
_TOKEN_LIMIT_PARAMETERS = ("max_tokens", "max_completion_tokens")
"""Servers accept one of them, or both; some refuse the other."""
_RESERVED_PARAMETERS = frozenset({"stream_options", "max_output_tokens", *_TOKEN_LIMIT_PARAMETERS})
_TOLERATED_CODES = ("path_not_found", "unexpected_response")
"""Errors of GET /models: a server without it may still answer prompts."""


class ProviderChecker:
    """Asks providers with their own keys, without holding a Postgres connection meanwhile."""

    def __init__(self, sessions: SessionFactory, vault: Vault, http: httpx2.AsyncClient) -> None:
        self._sessions = sessions
        self._vault = vault
        self._http = http

    async def get_client(self, provider_id: UUID) -> ProviderClient:
        """Return a client. Raises NotFound, and ProviderError if the key cannot be decrypted."""
        async with self._sessions() as session:
            row = await find(session, LlmProvider, provider_id)
        encrypted = row.encrypted_api_key
        key = None if encrypted is None else self._vault.decrypt(row.id, encrypted)
        if encrypted is not None and key is None:
            raise ProviderError(
                "unreadable_key",
                "The stored api_key was encrypted with another LLM_MODEL_DECRYPT_KEY. Set the"
                " api_key again.",
            )
        return ProviderClient(self._http, row.base_url, key)

    async def check(self, provider_id: UUID, body: ProviderTestRequest) -> ProviderTestRead:
        """Check the connection. Raises NotFound; all other errors are part of the result."""
        started_at = time.monotonic()
        names: list[str] = []
        try:
            client = await self.get_client(provider_id)
            model = await self._find_model(provider_id, body.model)
            detail = await _check_provider(client, model, names)
            code = None
        except ProviderError as error:
            detail, code = error.message, error.code
        return ProviderTestRead(
            is_healthy=code is None,
            error_code=code,
            detail=detail,
            seconds=round(time.monotonic() - started_at, 3),
            model_names=names,
        )

    async def _find_model(self, provider_id: UUID, name: str | None) -> LlmModel | None:
        if name is None:
            return None
        own = select(LlmModel).where(
            LlmModel.provider_id == provider_id, LlmModel.provider_model_name == name
        )
        async with self._sessions() as session:
            row = (await session.exec(own)).first()
        return row or LlmModel(provider_id=provider_id, provider_model_name=name)


async def list_models(
    client: ProviderClient, limit: int, only: Collection[str] = frozenset()
) -> list[str]:
    """Return up to `limit` model names that the server lists, filtered by `only` if not empty.

    Raises ProviderError.
    """
    response = await client.request("GET", "/models")
    if not response.is_success:
        raise diagnose(client, response)
    content = response.content
    listed = content.get("data") if isinstance(content, dict) else content
    if not isinstance(listed, list):
        raise unexpected_response_error(client, response)
    found = (one.get("id") for one in listed if isinstance(one, dict))
    texts = (name for name in found if isinstance(name, str) and 0 < len(name) <= 255)
    wanted = (name for name in dict.fromkeys(texts) if not only or name.strip() in only)
    return list(islice(filter(client.is_safe_to_quote, wanted), limit))


async def _check_provider(client: ProviderClient, model: LlmModel | None, names: list[str]) -> str:
    """Return a sentence about a working connection. Raises ProviderError."""
    try:
        names += await list_models(client, MAX_NAMES)
        noun = "model" if len(names) == 1 else "models"
        seen = f"{client.host} responds and lists {len(names)} {noun}"
    except ProviderError as error:
        if error.code not in _TOLERATED_CODES:
            raise
        if model is None:
            advice = " If the server cannot list models, name a model to test."
            raise ProviderError(error.code, error.message + advice) from error
        seen = f"{client.host} lists no models"
    if model is None:
        return f"{seen}."
    await (_check_responses_api if model.api == "responses" else _check_chat_api)(
        client, model, names
    )
    return f"{seen}; {model.provider_model_name} answers."


async def _check_chat_api(client: ProviderClient, model: LlmModel, names: list[str]) -> None:
    body = _build_body(model) | {"messages": [{"role": "user", "content": _PROMPT}]}
    for limit in _TOKEN_LIMIT_PARAMETERS:
        response = await client.request(
            "POST", "/chat/completions", body | {limit: MAX_OUTPUT_TOKENS}
        )
        if response.status not in (400, 422) or not any(
            one in response.error_text for one in _TOKEN_LIMIT_PARAMETERS
        ):
            break
    _check_response(client, model, names, response, "choices")


async def _check_responses_api(client: ProviderClient, model: LlmModel, names: list[str]) -> None:
    body = {"input": _PROMPT, "max_output_tokens": MAX_OUTPUT_TOKENS, "store": False}
    response = await client.request("POST", "/responses", _build_body(model) | body)
    try:
        _check_response(client, model, names, response, "output")
    except ProviderError as error:
        # a list of models proves that base_url is right
        if error.code != "path_not_found" or not names:
            raise
        raise ProviderError(
            "path_not_found",
            f"{client.host} has no Responses API (HTTP {response.status}). Set the"
            ' model\'s api to "chat".',
        ) from error


def _build_body(model: LlmModel) -> JsonObject:
    own = model.parameters.items()
    allowed = {name: value for name, value in own if name not in _RESERVED_PARAMETERS}
    return allowed | {"model": model.provider_model_name}


def _check_response(
    client: ProviderClient,
    model: LlmModel,
    names: list[str],
    response: ProviderResponse,
    list_field: str,
) -> None:
    if not response.is_success:
        raise diagnose(client, response, model.provider_model_name, names)
    content = response.content
    if not isinstance(content, dict) or not isinstance(content.get(list_field), list):
        raise unexpected_response_error(client, response)
