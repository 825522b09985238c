"""The models that the sandbox lists; any other name is answered as well, as the demo model is."""

DEMO = "sandbox-demo"
BRIEF = "sandbox-brief"
"""Says no more than it must."""
SLOW = "sandbox-slow"
"""Streams at the speed of a hasty typist, so that one sees the answer grow."""

MODELS = (DEMO, BRIEF, SLOW, "gpt-6-luna")

_SLOW_SECONDS = 0.12


def pause_of(model: str) -> float:
    """Seconds between two pieces of a stream."""
    return _SLOW_SECONDS if model == SLOW else 0.0
