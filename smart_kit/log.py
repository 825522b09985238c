"""Structured logging. One correlation id connects a Telegram update with all that it causes."""

import logging
import re
import sys
from collections.abc import Collection
from typing import Any, Literal
from urllib.parse import quote

import structlog
from pydantic import ValidationError
from structlog.typing import EventDict, Processor, WrappedLogger

from smart_kit.log_throttle import LogThrottle

_SECRET_PATTERNS = re.compile(
    r"(?<!\d)\d{5,20}:[A-Za-z0-9_-]{30,}"  # a Telegram token
    r"|(?<=/bot)\d+:[A-Za-z0-9_-]+"  # the same in a URL, however short
    r"|\b(?:sk-|gsk_|AIza)[A-Za-z0-9_-]{8,}"  # keys of OpenAI, Groq and Google
    r"|(?<=Bearer )[A-Za-z0-9._~+/=-]+"
    # user:password of a URL; a number after the colon is a port
    r"|(?<=://)[^/\s:@]*+:(?!\d{1,5}(?:[^\w@]|$))(?:[^\s@\"'<>:]|:(?!//))++(?=@)"
)
"""Patterns of secrets that are not settings, e.g. keys in database records.

Texts may be hostile, so matching takes linear time: a password ends where another URL begins.
"""

MIN_SECRET_LENGTH = 6
"""Shorter secrets are not redacted, because they occur in ordinary words."""

REDACTED = "[redacted]"


def contains_secret(text: str) -> bool:
    """Return whether the text contains what looks like a key, a bearer or Telegram token."""
    return _SECRET_PATTERNS.search(text) is not None


class Redactor:
    """Replaces the given secrets, in each of their encodings, and what looks like a secret."""

    def __init__(self, secrets: Collection[str] = ()) -> None:
        spellings = {
            form
            for secret in secrets
            if len(secret) >= MIN_SECRET_LENGTH
            for form in (secret, quote(secret, safe=""), repr(secret)[1:-1])
        }
        known = map(re.escape, sorted(spellings, key=len, reverse=True))
        self._known = re.compile("|".join(known) or "(?!)")

    def redact(self, text: str) -> str:
        """Redact a text. Known secrets come first, because a pattern may match a part of one."""
        return _SECRET_PATTERNS.sub(REDACTED, self._known.sub(REDACTED, text))

    def process(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        """Redact an event, as a structlog processor."""
        # keys with an underscore are internal to structlog and never rendered
        return {
            key: v if key.startswith("_") else self._redact_value(v) for key, v in event.items()
        }

    def _redact_value(self, value: Any) -> Any:
        match value:
            case None | bool() | int() | float():
                return value
            case dict():
                return {self.redact(str(key)): self._redact_value(v) for key, v in value.items()}
            case list() | tuple():
                return [self._redact_value(item) for item in value]
        return self.redact(str(value))


def configure(
    service: str,
    *,
    level: str = "INFO",
    fmt: Literal["console", "json"] = "console",
    secrets: Collection[str] = (),
) -> None:
    """Send the records of structlog and `logging` to stderr, redacted and in one format."""

    def add_service_name(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {"service": service, **event}

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        add_service_name,
        Redactor(secrets).process,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            LogThrottle().process,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    if fmt == "json":
        renderer: Processor = structlog.processors.JSONRenderer(ensure_ascii=False)
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    formatter = structlog.stdlib.ProcessorFormatter
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        formatter(foreign_pre_chain=shared, processors=[formatter.remove_processors_meta, renderer])
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for noisy in ("httpx2", "httpcore2", "apscheduler", "aiohttp.access", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def reset_context(**values: Any) -> None:
    """Replace the values that every later log line of this task has."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(**values)


def summarize_validation_error(error: ValidationError) -> str:
    """Return the first three errors without their values, which may be private."""
    return str(error.errors(include_input=False, include_context=False, include_url=False)[:3])
