"""Structured logs with one correlation id from a Telegram update to its reply's last line."""

import logging
import re
import sys
from typing import Any, Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_SECRETS = re.compile(
    r"(?<!\d)\d{5,20}:[A-Za-z0-9_-]{30,}"  # a Telegram token, also behind the /bot of a URL
    r"|\bsk-[A-Za-z0-9_-]{8,}"  # an OpenAI key
    r"|(?<=Bearer )[A-Za-z0-9._~+/=-]+"
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"  # user:password of a URL
)
REDACTED = "[redacted]"


def redact(text: str) -> str:
    """The text without what looks like a token, a key or a password."""
    return _SECRETS.sub(REDACTED, text)


def _redact_event(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    # what begins with an underscore is structlog's own and is never shown
    return {key: v if key.startswith("_") else _redacted(v) for key, v in event.items()}


def _redacted(value: Any) -> Any:
    match value:
        case None | bool() | int() | float():
            return value
        case dict():
            return {str(key): _redacted(one) for key, one in value.items()}
        case list() | tuple():
            return [_redacted(one) for one in value]
    return redact(str(value))


def configure(
    service: str, *, level: str = "INFO", fmt: Literal["console", "json"] = "console"
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
        _redact_event,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if fmt == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
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
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for noisy in ("httpx2", "httpcore2", "apscheduler", "aiohttp.access", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def bind(**values: Any) -> None:
    """Add values to every later line of this task, starting from none."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(**values)
