"""Structured logging. One correlation id connects a Telegram update with all that it causes."""

import contextlib
import json
import logging
import re
import sys
from collections.abc import Collection
from typing import Any, Literal, TextIO, cast
from urllib.parse import quote, quote_plus

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

_SUSPICIOUS_PATTERNS = (
    r"\d{5}:[A-Za-z0-9_-]{30}"
    r"|/bot\d+:[A-Za-z0-9_-]"
    r"|(?:sk-|gsk_|AIza)[A-Za-z0-9_-]{8}"
    r"|Bearer [A-Za-z0-9._~+/=-]"
    r"|://[^/\s:@]*+:(?:[^\s@\"'<>:]|:(?!//))++@"
)
"""What any match of _SECRET_PATTERNS looks like in a rendered line.

Rendering escapes characters, so nothing is required of the characters around a match: in JSON a
line break before a key is the letter n.
"""


def contains_secret(text: str) -> bool:
    """Return whether the text contains what looks like a key, a bearer or Telegram token."""
    return _SECRET_PATTERNS.search(text) is not None


class Redactor:
    """Replaces the given secrets, also as parts of URLs and literals, and what looks like one."""

    def __init__(self, secrets: Collection[str] = ()) -> None:
        spellings = {
            form
            for secret in secrets
            if len(secret) >= MIN_SECRET_LENGTH
            for form in _list_encodings(secret)
        }
        known = map(re.escape, sorted(spellings, key=len, reverse=True))
        self._known = re.compile("|".join(known) or "(?!)")
        rendered = {form for spelling in spellings for form in _list_rendered_forms(spelling)}
        self._suspicious = re.compile("|".join((*map(re.escape, rendered), _SUSPICIOUS_PATTERNS)))

    def redact(self, text: str) -> str:
        """Redact a text. Known secrets come first, because a pattern may match a part of one."""
        return _SECRET_PATTERNS.sub(REDACTED, self._known.sub(REDACTED, text))

    def suspects(self, line: str) -> bool:
        """Return whether a rendered line may contain something that `process` would redact."""
        return self._suspicious.search(line) is not None

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


def _list_encodings(secret: str) -> tuple[str, ...]:
    """Return the secret as it is, in URLs and forms, in a literal of Python, and in JSON."""
    return (
        secret,
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        repr(secret)[1:-1],
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
    )


def _list_rendered_forms(text: str) -> set[str]:
    """Return the text as the renderers show it: as it is, in JSON, and within Python's repr."""
    with_both_quotes = repr(f"\"'{text}")  # then repr escapes the single quote
    return {
        text,
        json.dumps(text, ensure_ascii=False)[1:-1],
        repr(text)[1:-1],
        with_both_quotes.removeprefix("'\"\\'")[:-1],
    }


class _RedactingRenderer:
    """Renders a line once. Only a suspicious line is redacted, value by value, and rendered again.

    A secret in a rendered line may be escaped or split, so it is only looked for there, by what
    every spelling has in common; it is redacted in the values.
    """

    def __init__(self, render: Processor, redactor: Redactor) -> None:
        self._render = render
        self._redactor = redactor

    def __call__(self, logger: WrappedLogger, name: str, event: EventDict) -> str:
        try:
            line = str(self._render(logger, name, dict(event)))  # ConsoleRenderer empties it
        except (TypeError, ValueError):  # JSON has no such keys, or the values are circular
            return self._render_redacted(logger, name, event)
        if self._redactor.suspects(line):
            return self._render_redacted(logger, name, event)
        return line

    def _render_redacted(self, logger: WrappedLogger, name: str, event: EventDict) -> str:
        return str(self._render(logger, name, self._redactor.process(logger, name, event)))


class _UnfailingStream:
    """Ignores errors of a stream: a service continues if nobody can read its log."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()


def _build_renderer(fmt: Literal["console", "json"]) -> Processor:
    if fmt == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())


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
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        add_service_name,
    ]
    render = _RedactingRenderer(_build_renderer(fmt), Redactor(secrets))
    structlog.configure(
        processors=[*shared, LogThrottle().process, render],
        # a record of `logging` for each event would cost as much as the rest of the line
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", _UnfailingStream(sys.stderr))),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        formatter(foreign_pre_chain=shared, processors=[formatter.remove_processors_meta, render])
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
