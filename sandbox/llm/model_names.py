"""The models that the sandbox lists; any other name is answered as well, as the demo model is."""

DEMO_MODEL = "sandbox-demo"
BRIEF_MODEL = "sandbox-brief"
"""Says no more than it must."""
SLOW_MODEL = "sandbox-slow"
"""Streams at the speed of a hasty typist, so that one sees the answer grow."""

MODEL_NAMES = (DEMO_MODEL, BRIEF_MODEL, SLOW_MODEL, "gpt-6-luna")

_SLOW_DELAY_SECONDS = 0.12


def delay_for(model: str) -> float:
    """Seconds between two pieces of a stream."""
    return _SLOW_DELAY_SECONDS if model == SLOW_MODEL else 0.0
