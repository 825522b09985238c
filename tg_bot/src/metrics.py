"""What the bot counts beside the queue's own figures."""

from prometheus_client import Counter, Gauge, Histogram

UPDATES = Counter(
    "tg_bot_updates_total", "Updates by kind and by what became of them", ["kind", "outcome"]
)
LAST_UPDATE_AT = Gauge("tg_bot_update_timestamp_seconds", "When the last updates came; 0: none yet")
POLL_AGE_SECONDS = Gauge("tg_bot_poll_age_seconds", "Since Telegram last answered getUpdates")
WEBHOOK_REQUESTS = Counter(
    "tg_bot_webhook_requests_total", "Requests at the webhook by outcome", ["outcome"]
)
SENDS = Counter("tg_bot_sends_total", "Attempts to send a message by outcome", ["outcome"])
SEND_SECONDS = Histogram(
    "tg_bot_send_seconds",
    "How long Telegram takes for a message, whatever it answers",
    buckets=(0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
)
DELIVERY_SECONDS = Histogram(
    "tg_bot_delivery_seconds",
    "From a message's making until Telegram has all of it: queue, pace, pauses, sending",
    buckets=(0.005, 0.02, 0.05, 0.1, 0.5, 1, 5, 30, 120, 600, 3600),
)
RATE_LIMIT_WAIT_SECONDS = Histogram(
    "tg_bot_rate_limit_wait_seconds",
    "What TELEGRAM_RATE_* make a message wait, where they do",
    ["limit"],
    buckets=(0.05, 0.2, 0.5, 1, 2, 5, 15, 60),
)
