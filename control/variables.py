"""The variables of the suite, and which process may see which."""

DEFAULTS = {
    "STATE_DIR": ".local",
    "REST_SERVICE_PORT": "8000",
    "GOOGLE_CALENDAR_SERVICE_PORT": "8001",
    "ASSISTANT_PORT": "8002",
    "CRON_SERVICE_PORT": "8003",
    "TG_BOT_PORT": "8004",
    "SANDBOX_PORT": "8080",
    "POSTGRES_PORT": "5442",
}
"""5442 and, for Redis, 6389: beside 5432 and 6379, where a developer's own servers are."""

OPENAI_URL = "https://api.openai.com/v1"
TELEGRAM_URL = "https://api.telegram.org"
LOCAL_REDIS_PORT = "6389"
STANDARD_REDIS_PORT = "6379"
STANDARD_POSTGRES_PORT = "5432"

BASE = ("LOG_LEVEL", "LOG_FORMAT", "STATE_DIR", "SANDBOX_CLOCK")
REDIS = (
    "REDIS_HOST",
    "REDIS_PORT",
    "REDIS_DB",
    "REDIS_PASSWORD",
    "REDIS_QUEUE_TO_SECRETARY",
    "REDIS_QUEUE_TO_TELEGRAM",
)
REST = ("REST_SERVICE_URL", "SERVICE_API_TOKEN")
LOCALE = ("DEFAULT_LANGUAGE", "DEFAULT_TIMEZONE")

MIGRATE = (*BASE, "DATABASE_URL")
REST_SERVICE = (
    *BASE,
    *REDIS,
    *LOCALE,
    "REST_SERVICE_PORT",
    "ASYNC_DATABASE_URL",
    "DATABASE_URL",
    "ADMIN_API_TOKEN",
    "SERVICE_API_TOKEN",
    "TELEGRAM_ALLOWED_USERS",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "DEFAULT_MODEL",
    "FALLBACK_MODEL",
    "LLM_MODEL_DECRYPT_KEY",
    "DAILY_BUDGET",
    "PUBLIC_URL",
)
GOOGLE_CALENDAR_SERVICE = (
    *BASE,
    *REDIS,
    *REST,
    "GOOGLE_CALENDAR_SERVICE_PORT",
    "GOOGLE_CLIENT_ID",
    "GOOGLE_CLIENT_SECRET",
    "GOOGLE_REDIRECT_URI",
    "GOOGLE_API_URL",
    "PUBLIC_URL",
)
ASSISTANT = (
    *BASE,
    *REDIS,
    *REST,
    *LOCALE,
    "ASSISTANT_PORT",
    "LLM_MODEL_DECRYPT_KEY",
    "MAX_CONTEXT_MESSAGES",
    "MAX_CONTEXT_LENGTH",
    "ASSISTANT_SLOTS",
    "REST_TOOL_PRIVATE_HOSTS",
    "GOOGLE_CALENDAR_SERVICE_URL",
    "WEATHER_API_URL",
)
CRON_SERVICE = (*BASE, *REDIS, *REST, "CRON_SERVICE_PORT")
TG_BOT = (
    *BASE,
    *REDIS,
    *REST,
    *LOCALE,
    "TG_BOT_PORT",
    "TELEGRAM_TOKEN",
    "TELEGRAM_API_URL",
    "TELEGRAM_ALLOWED_USERS",
    "TELEGRAM_RATE_OVERALL",
    "TELEGRAM_RATE_PER_CHAT",
    "TELEGRAM_RATE_PER_GROUP",
    "TELEGRAM_WEBHOOK",
    "PUBLIC_URL",
)
SANDBOX = (
    *BASE,
    "SANDBOX_PORT",
    "SANDBOX_CHAT_TOKEN",
    "TELEGRAM_TOKEN=SANDBOX_TELEGRAM_TOKEN",  # never the operator's own bot
    "OPENAI_BASE_URL",  # the chat page says who else reads along
)

MACHINE_VARIABLES = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR")
"""What any process gets of the operator's own environment."""

PROXY_VARIABLES = (
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)
"""What processes that speak with the world get on top: a proxy's URL may hold a password."""

ALL_NAMES = frozenset(
    part
    for group in (
        DEFAULTS,
        REST_SERVICE,
        GOOGLE_CALENDAR_SERVICE,
        ASSISTANT,
        CRON_SERVICE,
        TG_BOT,
        SANDBOX,
        ("POSTGRES_PASSWORD", "COMPOSE_PROJECT_NAME"),
    )
    for name in group
    for part in name.split("=")
)
"""Every variable of the suite."""
