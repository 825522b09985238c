"""Metrics of cron_service."""

from prometheus_client import Counter, Gauge, Histogram

CLAIMS = Counter("smart_assistant_cron_claims_total", "Claims by outcome", ["outcome"])
DISPATCHED = Counter("smart_assistant_cron_dispatched_total", "Enqueued runs", ["type"])
LATENESS_SECONDS = Histogram(
    "smart_assistant_cron_lateness_seconds",
    "Delay between the time of a run and its enqueuing",
    buckets=(0.02, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 3600),
)
OVERDUE_SECONDS = Gauge(
    "smart_assistant_cron_overdue_seconds", "How late the most overdue job is; 0 if none is"
)
