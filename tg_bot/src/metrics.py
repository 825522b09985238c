"""Metrics of the bot. The queues' own metrics are in smart_kit."""

from prometheus_client import Counter, Gauge, Histogram

UPDATES = Counter("tg_bot_updates_total", "Updates by kind and outcome", ["kind", "outcome"])
LAST_UPDATE_AT = Gauge(
    "tg_bot_update_timestamp_seconds", "Unix time of the last updates; 0 if there were none"
)
POLL_AGE_SECONDS = Gauge("tg_bot_poll_age_seconds", "Seconds since the last successful getUpdates")
WEBHOOK_REQUESTS = Counter(
    "tg_bot_webhook_requests_total", "Requests to the webhook by outcome", ["outcome"]
)
SENDS = Counter("tg_bot_sends_total", "Attempts to send a message by outcome", ["outcome"])
SEND_SECONDS = Histogram(
    "tg_bot_send_seconds",
    "Duration of a request that sends a message, whatever its outcome",
    buckets=(0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
)
DELIVERY_SECONDS = Histogram(
    "tg_bot_delivery_seconds",
    "Time from a message's creation until Telegram has accepted all of it",
    buckets=(0.005, 0.02, 0.05, 0.1, 0.5, 1, 5, 30, 120, 600, 3600),
)
RATE_LIMIT_WAIT_SECONDS = Histogram(
    "tg_bot_rate_limit_wait_seconds",
    "Time that delayed messages waited for TELEGRAM_RATE_* limits",
    ["limit"],
    buckets=(0.05, 0.2, 0.5, 1, 2, 5, 15, 60),
)
