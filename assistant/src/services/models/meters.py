"""What is measured of calls of models."""

import structlog
from prometheus_client import Counter, Histogram

from ...core.errors import Tokens
from .api import Asking
from .request import MOST_CHARACTERS_PER_TOKEN

SHORT_PROMPT = 2_000
"""Characters; below, the average says nothing."""

MODEL_SECONDS = Histogram(
    "smart_assistant_model_seconds",
    "Calls of a model, each attempt by itself",
    ["provider", "model", "outcome"],
    buckets=(0.05, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60),
)
TOKENS = Counter(
    "smart_assistant_tokens_total", "Tokens as the model counts", ["provider", "model", "kind"]
)

log = structlog.stdlib.get_logger()


def count(asking: Asking, counted: Tokens) -> None:
    """The tokens; of a prompt that has too few of them a part was cut off."""
    model, characters = asking.model, asking.request.characters
    for kind, tokens in zip(("prompt", "cached", "completion"), counted, strict=True):
        TOKENS.labels(model.provider, model.name, kind).inc(tokens)
    least, given = characters // MOST_CHARACTERS_PER_TOKEN, counted[0]
    if characters > SHORT_PROMPT and 0 < given < least:
        log.warning(
            "the server seems to cut prompts off, instructions first: give the model more context",
            model=model.name,
            provider=model.provider,
            prompt_tokens=given,
            expected_at_least=least,
        )
