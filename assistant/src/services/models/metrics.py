"""Metrics of model calls."""

import structlog
from prometheus_client import Counter, Histogram

from ...core.errors import TokenUsage
from .protocols.base import ModelCall
from .request import MAX_CHARACTERS_PER_TOKEN

MIN_CHECKED_PROMPT_CHARACTERS = 2_000
"""Shorter prompts are not checked: the average says nothing about them."""

MODEL_SECONDS = Histogram(
    "smart_assistant_model_seconds",
    "Duration of model calls, each attempt separately",
    ["provider", "model", "outcome"],
    buckets=(0.05, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60),
)
TOKENS = Counter(
    "smart_assistant_tokens_total", "Tokens as the model counts them", ["provider", "model", "kind"]
)

log = structlog.stdlib.get_logger()


def record_token_usage(call: ModelCall, usage: TokenUsage) -> None:
    """Count tokens, and warn of a prompt with too few of them: its server has truncated it."""
    model, characters = call.model, call.request.characters
    for kind, tokens in zip(("prompt", "cached", "completion"), usage, strict=True):
        TOKENS.labels(model.provider, model.name, kind).inc(tokens)
    min_tokens, given = characters // MAX_CHARACTERS_PER_TOKEN, usage[0]
    if characters > MIN_CHECKED_PROMPT_CHARACTERS and 0 < given < min_tokens:
        log.warning(
            "model server truncates prompts: increase its context size",
            model=model.name,
            provider=model.provider,
            prompt_tokens=given,
            expected_at_least=min_tokens,
        )
