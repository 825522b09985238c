"""The errors of Bot API calls, one type for each reaction of the caller, and what raises them.

TelegramUnavailable     not sent, or 5xx: retry as long as it takes
├── TelegramRetryAfter      429: retry after the given seconds, this chat only
├── TelegramConflict        409: another program polls, or a webhook is set
├── LeaseNotHeld            not sent: another process may be serving the bot
└── TelegramOutcomeUnknown  sent, but there was no response: try at most 3 times
TelegramUnauthorized    401, 404: the token or the API address is wrong
└── MethodNotFound          404: the server is older than the method
TelegramRejected        the request itself is refused
├── TelegramForbidden       403: the user has blocked the bot
└── TelegramBadRequest      400: the request is wrong
    ├── EntityParseError        send the same text without formatting
    └── MessageTooLong          send the same text in smaller parts

No message contains the token. aiohttp's errors are not chained: they quote the URL, which does.
"""

import json
from collections.abc import Mapping
from typing import Any

from smart_kit.errors import UpstreamRejected, UpstreamUnavailable

DEFAULT_RETRY_SECONDS = 5.0
"""Seconds to wait after a 429 that names no time, for example from a gateway."""


class TelegramUnavailable(UpstreamUnavailable):
    """Telegram is unavailable."""


class TelegramRetryAfter(TelegramUnavailable):
    """Telegram asks the bot to pause."""

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message, status=429, retry_after=retry_after)
        self.seconds = retry_after


class TelegramConflict(TelegramUnavailable):
    """Another program receives this bot's updates."""


class LeaseNotHeld(TelegramUnavailable):
    """This process does not hold the leader lease."""


class TelegramOutcomeUnknown(TelegramUnavailable):
    """Telegram did not respond, so it is unknown whether it handled the request."""


class TelegramUnauthorized(UpstreamRejected):
    """Telegram refuses the token."""


class MethodNotFound(TelegramUnauthorized):
    """The server does not know this method."""


class TelegramRejected(UpstreamRejected):
    """Telegram refuses the request."""


class TelegramForbidden(TelegramRejected):
    """The user has blocked the bot."""


class TelegramBadRequest(TelegramRejected):
    """Telegram refuses the request as invalid."""


class EntityParseError(TelegramBadRequest):
    """Telegram cannot parse the formatting."""


class MessageTooLong(TelegramBadRequest):
    """The message exceeds Telegram's length limit."""


TelegramError = TelegramUnavailable | TelegramUnauthorized | TelegramRejected
TELEGRAM_ERRORS = (TelegramUnavailable, TelegramUnauthorized, TelegramRejected)
"""All errors that a call can raise."""

_ERROR_TYPES: dict[int, type[TelegramError]] = {
    400: TelegramBadRequest,
    401: TelegramUnauthorized,
    403: TelegramForbidden,
    404: TelegramUnauthorized,
    409: TelegramConflict,
}


def parse_response(status: int, headers: Mapping[str, str], body: bytes) -> Any:
    """Return the result of a call. Raises a TelegramError."""
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        payload = None
    if not isinstance(payload, dict) or "ok" not in payload:
        raise _to_proxy_error(status, headers)
    if payload["ok"] is True:
        return payload.get("result")
    raise _to_error(status, headers, payload)


def _to_proxy_error(status: int, headers: Mapping[str, str]) -> TelegramError:
    """Return the error for a response that is not from the Bot API but, say, from a proxy."""
    description = f"HTTP {status} without a Bot API answer; is TELEGRAM_API_URL right?"
    if status == 413:
        return TelegramBadRequest(description, status=status)
    if status == 429:
        return _to_retry_after(headers, {})
    error_type = TelegramOutcomeUnknown if status < 300 else TelegramUnavailable
    return error_type(description, status=status)


def _to_error(status: int, headers: Mapping[str, str], payload: dict[Any, Any]) -> TelegramError:
    code = payload.get("error_code")
    status = code if isinstance(code, int) else status
    description = str(payload.get("description") or f"HTTP {status}")
    if status == 429:
        return _to_retry_after(headers, payload)
    return _choose_type(status, description.lower())(description, status=status)


def _choose_type(status: int, description: str) -> type[TelegramError]:
    """Classify an error also by its description: Telegram has no finer codes."""
    if status >= 500:
        return TelegramUnavailable
    if status == 400 and ("can't parse" in description or "entit" in description):
        return EntityParseError
    if status == 400 and ("too long" in description or "too_long" in description):
        return MessageTooLong
    if status == 404 and "method not found" in description:
        return MethodNotFound
    return _ERROR_TYPES.get(status, TelegramRejected)


def _to_retry_after(headers: Mapping[str, str], payload: dict[Any, Any]) -> TelegramRetryAfter:
    parameters = payload.get("parameters")
    named = parameters.get("retry_after") if isinstance(parameters, dict) else None
    for value in (named, headers.get("Retry-After")):
        try:
            seconds = float(value)  # type: ignore[arg-type] # the value is untrusted
        except (TypeError, ValueError):
            continue
        if 0 <= seconds < float("inf"):
            return TelegramRetryAfter(f"Too Many Requests: {seconds:g} s", retry_after=seconds)
    return TelegramRetryAfter("Too Many Requests", retry_after=DEFAULT_RETRY_SECONDS)
