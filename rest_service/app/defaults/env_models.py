"""Registers the models that the environment names, and their provider, which follows it.

Afterwards the records of the models decide.
"""

import json
from collections import defaultdict
from decimal import Decimal
from importlib.resources import files
from urllib.parse import urlsplit, urlunsplit

import structlog
from pydantic import SecretStr
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.contracts.base import JsonObject
from smart_kit.vault import Vault

from ..config import Settings, is_openai_url
from ..database import SessionFactory
from ..models import LlmModel, LlmProvider
from ..services.configuration import model_coverage
from ..services.configuration.change import configuration_change
from ..services.records.crud import set_fields

_LOCK_ID = 7_241_004
"""Postgres advisory lock: replicas that start together register the models once."""
_UNKNOWN_MODEL: JsonObject = {"capabilities": ["tools", "streaming"]}
"""Assumed for models that are not in known_models.json."""
_PRICES = ("input_price", "cached_input_price", "output_price")

log = structlog.stdlib.get_logger()


async def register_env_models(sessions: SessionFactory, settings: Settings, vault: Vault) -> None:
    """Update the environment's provider, and register the models that are missing."""
    async with sessions.begin() as session:
        await session.exec(select(func.pg_advisory_xact_lock(_LOCK_ID)))
        async with configuration_change(session):
            known = set(await session.exec(select(LlmModel.provider_model_name)))
            missing = [name for name in settings.default_model_names if name not in known]
            provider = await _find_provider(session, settings, vault)
            if provider is None and missing:
                provider = await _create_provider(session, settings)
            if provider is not None:
                await _sync_provider(session, provider, settings, vault)
                session.add_all(_build_model(provider, name) for name in missing)
        await _log_mismatches(session, settings)
    if missing:
        log.info("environment models registered", names=missing)


async def _sync_provider(
    session: AsyncSession, provider: LlmProvider, settings: Settings, vault: Vault
) -> None:
    """Update the provider, unless an administrator manages it, and its unchanged models."""
    if provider.source != "environment":
        return
    before = provider.base_url
    await _sync_with_env(session, provider, settings, vault)
    if provider.base_url != before:
        rows = await session.exec(select(LlmModel).where(LlmModel.provider_id == provider.id))
        for row in rows:
            was, is_now = (
                _default_fields(url, row.provider_model_name) for url in (before, provider.base_url)
            )
            if row.model_dump(include=set(was)) == was:
                set_fields(row, is_now)


def _build_model(provider: LlmProvider, name: str) -> LlmModel:
    facts = _default_fields(provider.base_url, name)
    return LlmModel(provider_id=provider.id, provider_model_name=name, **facts)


def _default_fields(base_url: str, name: str) -> JsonObject:
    """Return the known fields of a model at OpenAI; for other servers only its capabilities."""
    known = _load_known_models().get(name, _UNKNOWN_MODEL)
    if not is_openai_url(base_url):
        known = {"capabilities": known["capabilities"]}
    return {
        "api": known.get("api", "chat"),
        "parameters": known.get("parameters", {}),
        "capabilities": known["capabilities"],
    } | {price: Decimal(known[price]) if price in known else None for price in _PRICES}


def _load_known_models() -> dict[str, JsonObject]:
    """OpenAI's models: prices of November 2026, and the `api` and parameters for using tools."""
    text = (files(__package__) / "known_models.json").read_text()
    known: dict[str, JsonObject] = json.loads(text)
    return known


async def _find_provider(
    session: AsyncSession, settings: Settings, vault: Vault
) -> LlmProvider | None:
    """Return the environment's provider or, if an administrator took it over, one at its address.

    A provider with another key than OPENAI_API_KEY does not count: another account would pay.
    """
    oldest = select(LlmProvider).order_by(col(LlmProvider.created_at), col(LlmProvider.id))
    own = (await session.exec(oldest.where(LlmProvider.source == "environment"))).first()
    if own is not None:
        return own
    has_same_url = LlmProvider.base_url == _normalize_base_url(settings.openai_base_url)
    given = settings.openai_api_key
    candidates = await session.exec(oldest.where(has_same_url))
    return next((one for one in candidates if not given or _has_same_key(one, given, vault)), None)


def _has_same_key(row: LlmProvider, key: SecretStr, vault: Vault) -> bool:
    encrypted = row.encrypted_api_key
    return encrypted is not None and vault.decrypt(row.id, encrypted) == key.get_secret_value()


async def _create_provider(session: AsyncSession, settings: Settings) -> LlmProvider:
    """Create the provider, without a key."""
    base_url = _normalize_base_url(settings.openai_base_url)
    name = await _find_free_name(session, _default_provider_name(base_url))
    provider = LlmProvider(name=name, base_url=base_url, source="environment")
    session.add(provider)
    await session.flush()
    return provider


async def _sync_with_env(
    session: AsyncSession, provider: LlmProvider, settings: Settings, vault: Vault
) -> None:
    """Set the environment's address and key. Equal values are not written again."""
    base_url = _normalize_base_url(settings.openai_base_url)
    if provider.base_url != base_url:
        if provider.name == _default_provider_name(provider.base_url):
            provider.name = await _find_free_name(session, _default_provider_name(base_url))
        provider.base_url = base_url
    given = settings.openai_api_key
    if given is None:
        provider.encrypted_api_key = None
    elif not _has_same_key(provider, given, vault):
        provider.encrypted_api_key = vault.encrypt(provider.id, given.get_secret_value())


async def _find_free_name(session: AsyncSession, name: str) -> str:
    taken = set(await session.exec(select(LlmProvider.name)))
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name} {number}"
    return free


def _has_credentials_or_query(url: str) -> bool:
    """Return whether a URL has parts that a record does not store, such as a password."""
    parts = urlsplit(url)
    return bool(parts.username or parts.password or parts.query or parts.fragment)


def _normalize_base_url(url: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))


def _default_provider_name(base_url: str) -> str:
    """Return the name of a provider that no administrator has renamed."""
    return urlsplit(base_url).netloc[:200]


async def _log_mismatches(session: AsyncSession, settings: Settings) -> None:
    """Log a warning for each setting without effect."""
    if _has_credentials_or_query(settings.openai_base_url):
        log.warning("OPENAI_BASE_URL credentials or query ignored: put the key into OPENAI_API_KEY")
    await _log_provider_mismatches(session, settings)
    coverage = await model_coverage.read(session, settings.default_model_names)
    if inactive := [
        name for name in settings.default_model_names if name not in coverage.usable_models
    ]:
        log.warning("DEFAULT_MODEL or FALLBACK_MODEL not active", models=inactive)
    if uncovered := [str(one) for one in coverage.find_uncovered_assistants()]:
        log.warning("assistants have no active model", assistants=uncovered)


async def _log_provider_mismatches(session: AsyncSession, settings: Settings) -> None:
    rows = (
        select(LlmProvider.name, LlmModel.provider_model_name)
        .join(LlmModel, col(LlmModel.provider_id) == col(LlmProvider.id))
        .where(LlmProvider.source == "administrator")
        .where(col(LlmModel.provider_model_name).in_(settings.default_model_names))
    )
    elsewhere: dict[str, list[str]] = defaultdict(list)
    for provider, model in await session.exec(rows):
        elsewhere[provider].append(model)
    for provider, models in elsewhere.items():
        log.warning(
            "OPENAI_BASE_URL and OPENAI_API_KEY ignored: an administrator manages the model's"
            " provider",
            provider=provider,
            models=models,
        )
