"""The variables of the suite that belong to no single service.

Those of each service are in service_variables.json, generated from the settings classes.
"""

import json
from pathlib import Path

_GENERATED = json.loads(Path(__file__).with_name("service_variables.json").read_text("utf-8"))

SERVICE_VARIABLES: dict[str, tuple[str, ...]] = {
    service: tuple(names) for service, names in _GENERATED["variables"].items()
}

DEFAULTS: dict[str, str] = {
    "STATE_DIR": ".local",
    **_GENERATED["default_ports"],
    "POSTGRES_PORT": "5442",
}
"""5442 and, for Redis, 6389: next to 5432 and 6379, which a developer's own servers use."""

OPENAI_URL = "https://api.openai.com/v1"
TELEGRAM_URL = "https://api.telegram.org"
LOCAL_REDIS_PORT = "6389"
STANDARD_REDIS_PORT = "6379"
STANDARD_POSTGRES_PORT = "5432"

COMMON_VARIABLES = ("STATE_DIR",)
"""Passed to every service. It also marks the processes of a suite, see local/process.py."""

MANAGE_VARIABLES = {
    "POSTGRES_PORT": "The port of PostgreSQL in local mode.",
    "POSTGRES_PASSWORD": "The password of PostgreSQL.",
    "COMPOSE_PROJECT_NAME": "The prefix of the names of containers, volumes and images in Docker"
    " mode. Each suite needs its own.",
    "GOOGLE_CALENDAR_SERVICE_URL": "The URL of google_calendar_service. Empty: the one that"
    " manage.py starts.",
}
"""Variables that no settings class has, with their descriptions for `.env.example`."""

MACHINE_VARIABLES = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR")
"""Variables of the operator's own environment that every process receives."""

PROXY_VARIABLES = (
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR"),
)
"""Received in addition by services that call external servers. A proxy URL may hold a password."""

ALL_NAMES = frozenset(
    (*DEFAULTS, *COMMON_VARIABLES, *MANAGE_VARIABLES, "SANDBOX_TELEGRAM_TOKEN")
).union(*SERVICE_VARIABLES.values())
