"""Structured logs with one correlation id from a Telegram update to its reply's last line."""

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
    # user:password of a URL; what looks like a port is none
    r"|(?<=://)[^/\s:@]*+:(?!\d{1,5}(?:[^\w@]|$))(?:[^\s@\"'<>:]|:(?!//))++(?=@)"
)
"""Of secrets that nobody told us, e.g. in the records of the database.

Texts come from strangers too, so none is looked at twice: a password ends where another URL begins.
"""

MIN_SECRET_LENGTH = 6
"""What is shorter would be found in innocent words."""

REDACTED = "[redacted]"


def contains_secret(text: str) -> bool:
    """Whether something in it looks like a secret, e.g. "Bearer …", a key or a Telegram token."""
    return _SECRET_PATTERNS.search(text) is not None


class Redactor:
    """Takes out the secrets it is told, in each way they are written, and what looks like one."""

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
        """The text without them; the known ones first, because a shape may end within one."""
        return _SECRET_PATTERNS.sub(REDACTED, self._known.sub(REDACTED, text))

    def process(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        """A processor of structlog's."""
        # what begins with an underscore is structlog's own and is never shown
        return {
            key: v if key.startswith("_") else self._redact_value(v) for key, v in event.items()
        }

    def _redact_value(self, value: Any) -> Any:
        match value:
            case None | bool() | int() | float():
                return value
            case dict():
                return {
                    self.redact(str(key)): self._redact_value(one) for key, one in value.items()
                }
            case list() | tuple():
                return [self._redact_value(one) for one in value]
        return self.redact(str(value))


def configure(
    service: str,
    *,
    level: str = "INFO",
    fmt: Literal["console", "json"] = "console",
    secrets: Collection[str] = (),
) -> None:
    """Send structlog's and the standard library's records to stderr, redacted, in one shape."""

    def name_service(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {"service": service, **event}

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        name_service,
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
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer(fmt)],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for noisy in ("httpx2", "httpcore2", "apscheduler", "aiohttp.access", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _renderer(fmt: Literal["console", "json"]) -> Processor:
    if fmt == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())


def reset_context(**values: Any) -> None:
    """Add values to every later line of this task, starting from none."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(**values)


def summarize_validation_error(error: ValidationError) -> str:
    """The first things that are wrong, without the values, which may be somebody's words."""
    return str(error.errors(include_input=False, include_context=False, include_url=False)[:3])
