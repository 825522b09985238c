"""All scenarios by name. The docstring of each is its title in the report."""

from collections.abc import Callable, Mapping

from tests.load.bench import Bench
from tests.load.scenarios import claims, cpu, lifetime, schedules, speed

SCENARIOS: Mapping[str, Callable[[Bench], None]] = {
    "fakes": cpu.measure_fakes,
    "startup": lifetime.measure_startup,
    "known": cpu.measure_known,
    "new": cpu.measure_new,
    "long": cpu.measure_long,
    "tool": cpu.measure_tool,
    "streamed": cpu.measure_streamed,
    "trickle": cpu.measure_trickle,
    "throughput": speed.measure_throughput,
    "latency": speed.measure_latency,
    "memory": lifetime.measure_memory,
    "replicas": speed.measure_replicas,
    "history": lifetime.measure_history,
    "schedules": schedules.measure_schedules,
    "claims": claims.measure_claims,
    "soak": lifetime.measure_soak,
    "growth": lifetime.measure_growth,
    "kill": lifetime.measure_kill,
}
