"""What the bot counts beside the queue's own figures."""

from prometheus_client import Counter, Gauge

UPDATES = Counter(
    "tg_bot_updates_total", "Updates by kind and by what became of them", ["kind", "outcome"]
)
SENDS = Counter("tg_bot_sends_total", "Attempts to send a message by outcome", ["outcome"])
POLL_AGE = Gauge("tg_bot_poll_age_seconds", "Since Telegram last answered getUpdates")
