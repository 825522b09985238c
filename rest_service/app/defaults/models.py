"""The models that the environment names, as records of their own."""

from urllib.parse import urlsplit, urlunsplit

import structlog
from sqlmodel import func, select

from smart_kit.vault import Vault

from ..config import Settings
from ..database import Sessions
from ..models import LlmModel, LlmProvider

_LOCK = 7_241_004
"""Two first starts at once make one set."""

log = structlog.stdlib.get_logger()


async def register(sessions: Sessions, settings: Settings, vault: Vault) -> None:
    """Add them where there is no provider at all."""
    async with sessions.begin() as session:
        await session.exec(select(func.pg_advisory_xact_lock(_LOCK)))
        if (await session.exec(select(LlmProvider.id).limit(1))).first() is not None:
            return
        provider = _provider(settings.openai_base_url)
        if settings.openai_api_key is not None and settings.vault_keys:
            key = settings.openai_api_key.get_secret_value()
            provider.encrypted_api_key = vault.encrypt(provider.id, key)
        session.add(provider)
        await session.flush()
        session.add_all(
            LlmModel(provider_id=provider.id, provider_model_name=name, capabilities=["tools"])
            for name in settings.model_names
        )
    log.info("the environment's models are there", names=settings.model_names)


def _provider(url: str) -> LlmProvider:
    """Called like its host; a password in the address is none of a provider's record."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    base_url = urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))
    return LlmProvider(name=host[:255], base_url=base_url)
