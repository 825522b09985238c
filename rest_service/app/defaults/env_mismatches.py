"""Logs settings that have no effect because the records in Postgres decide."""

from collections import defaultdict

import structlog
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from ..config import Settings
from ..models import LlmModel, LlmProvider
from ..services.configuration import model_coverage
from .env_provider import has_credentials_or_query

log = structlog.stdlib.get_logger()


async def log_mismatches(session: AsyncSession, settings: Settings) -> None:
    """Log a warning for each setting without effect."""
    if has_credentials_or_query(settings.openai_base_url):
        log.warning("OPENAI_BASE_URL credentials or query ignored: put the key into OPENAI_API_KEY")
    await _log_provider_mismatches(session, settings)
    coverage = await model_coverage.read(session, settings.default_model_names)
    if inactive := [
        name for name in settings.default_model_names if name not in coverage.usable_models
    ]:
        log.warning("DEFAULT_MODEL or FALLBACK_MODEL not active", models=inactive)
    if uncovered := [str(one) for one in coverage.find_uncovered()]:
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
