"""What cron_service counts."""

from prometheus_client import Counter, Histogram

CLAIMS = Counter("smart_assistant_cron_claims_total", "Claims by what became of them", ["outcome"])
DISPATCHED = Counter(
    "smart_assistant_cron_dispatched_total", "Runs that were put into a queue", ["type"]
)
LATENESS_SECONDS = Histogram(
    "smart_assistant_cron_lateness_seconds",
    "From a run's time to its place in a queue",
    buckets=(0.02, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 3600),
)
