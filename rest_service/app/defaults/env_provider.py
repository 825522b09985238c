"""The provider of OPENAI_BASE_URL and OPENAI_API_KEY, which follows the environment."""

from urllib.parse import urlsplit, urlunsplit

from pydantic import SecretStr
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from smart_kit.vault import Vault

from ..config import Settings
from ..models import LlmProvider


async def find(session: AsyncSession, settings: Settings, vault: Vault) -> LlmProvider | None:
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
    return next((one for one in candidates if not given or _has_key(one, given, vault)), None)


def _has_key(row: LlmProvider, key: SecretStr, vault: Vault) -> bool:
    encrypted = row.encrypted_api_key
    return encrypted is not None and vault.decrypt(row.id, encrypted) == key.get_secret_value()


async def create(session: AsyncSession, settings: Settings) -> LlmProvider:
    """Create the provider, without a key."""
    base_url = _normalize_base_url(settings.openai_base_url)
    name = await _find_free_name(session, _default_name(base_url))
    provider = LlmProvider(name=name, base_url=base_url, source="environment")
    session.add(provider)
    await session.flush()
    return provider


async def sync_with_env(
    session: AsyncSession, provider: LlmProvider, settings: Settings, vault: Vault
) -> None:
    """Set the environment's address and key. Equal values are not written again."""
    base_url = _normalize_base_url(settings.openai_base_url)
    if provider.base_url != base_url:
        if provider.name == _default_name(provider.base_url):
            provider.name = await _find_free_name(session, _default_name(base_url))
        provider.base_url = base_url
    given = settings.openai_api_key
    if given is None:
        provider.encrypted_api_key = None
    elif not _has_key(provider, given, vault):
        provider.encrypted_api_key = vault.encrypt(provider.id, given.get_secret_value())


async def _find_free_name(session: AsyncSession, name: str) -> str:
    taken = set(await session.exec(select(LlmProvider.name)))
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name} {number}"
    return free


def has_credentials_or_query(url: str) -> bool:
    """Return whether a URL has parts that a record does not store, such as a password."""
    parts = urlsplit(url)
    return bool(parts.username or parts.password or parts.query or parts.fragment)


def _normalize_base_url(url: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))


def _default_name(base_url: str) -> str:
    """Return the name of a provider that no administrator has renamed."""
    return urlsplit(base_url).netloc[:200]
