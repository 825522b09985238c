"""Models that the sandbox lists; any other name behaves like the demo model."""

DEMO_MODEL = "sandbox-demo"
BRIEF_MODEL = "sandbox-brief"
"""Answers with one sentence."""
SLOW_MODEL = "sandbox-slow"
"""Streams slowly, so that the growing answer can be watched."""

MODEL_NAMES = (DEMO_MODEL, BRIEF_MODEL, SLOW_MODEL, "gpt-6-luna")

_SLOW_DELAY_SECONDS = 0.12


def get_chunk_delay(model: str) -> float:
    """Return the seconds between two chunks of a stream."""
    return _SLOW_DELAY_SECONDS if model == SLOW_MODEL else 0.0
