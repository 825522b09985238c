"""Where the environment and the records say different things, and the records decide."""

from collections import defaultdict

import structlog
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from ..config import Settings
from ..models import LlmModel, LlmProvider
from ..services import chains
from .provider import says_more

log = structlog.stdlib.get_logger()


async def tell(session: AsyncSession, settings: Settings) -> None:
    """Log what an operator who has changed `.env` would look for in vain."""
    if says_more(settings.openai_base_url):
        log.warning(
            "OPENAI_BASE_URL holds more than host and path, and the rest is not used: a key belongs"
            " into OPENAI_API_KEY"
        )
    await _tell_of_providers(session, settings)
    answering = await chains.read(session, settings.model_names)
    if idle := [name for name in settings.model_names if name not in answering.usable]:
        log.warning("DEFAULT_MODEL or FALLBACK_MODEL is not active: nobody asks it", models=idle)
    if mute := [str(one) for one in answering.unanswered()]:
        log.warning("no active model is left to some assistants", assistants=mute)


async def _tell_of_providers(session: AsyncSession, settings: Settings) -> None:
    rows = (
        select(LlmProvider.name, LlmModel.provider_model_name)
        .join(LlmModel, col(LlmModel.provider_id) == col(LlmProvider.id))
        .where(LlmProvider.source == "administrator")
        .where(col(LlmModel.provider_model_name).in_(settings.model_names))
    )
    elsewhere: dict[str, list[str]] = defaultdict(list)
    for provider, model in await session.exec(rows):
        elsewhere[provider].append(model)
    for provider, models in elsewhere.items():
        log.warning(
            "OPENAI_BASE_URL and OPENAI_API_KEY are not used for DEFAULT_MODEL or FALLBACK_MODEL:"
            " its provider is an administrator's",
            provider=provider,
            models=models,
        )
