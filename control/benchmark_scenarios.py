"""The names of the scenarios of `bench`. `tests/load/scenarios` implements and describes them."""

DEFAULT = (
    *("fakes", "startup", "known", "new", "long", "tool", "streamed", "trickle"),
    *("throughput", "latency", "memory", "replicas", "history"),
)
LONG = ("schedules", "claims", "soak", "growth", "kill")
"""Run only if they are named."""
ALL = (*DEFAULT, *LONG)
