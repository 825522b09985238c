"""Parses Bot API responses into a result or a TelegramError."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import (
    EntityParseError,
    MessageTooLong,
    MethodNotFound,
    TelegramBadRequest,
    TelegramConflict,
    TelegramForbidden,
    TelegramOutcomeUnknown,
    TelegramRejected,
    TelegramRetryAfter,
    TelegramUnauthorized,
    TelegramUnavailable,
)

DEFAULT_RETRY_SECONDS = 5.0
"""Seconds to wait after a 429 that names no time, for example from a gateway."""


@dataclass(frozen=True)
class ApiResponse:
    """A complete HTTP response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def result(self) -> Any:
        """Return the result. Raises a TelegramError."""
        payload = self._parse_payload()
        if payload is None:
            raise self._non_api_error()
        if payload.get("ok") is True:
            return payload.get("result")
        raise self._to_error(payload)

    def _parse_payload(self) -> dict[str, Any] | None:
        try:
            payload = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return payload if isinstance(payload, dict) and "ok" in payload else None

    def _non_api_error(self) -> Exception:
        """Return the error for a response that is not from the Bot API but, say, from a proxy."""
        description = f"HTTP {self.status} without a Bot API answer; is TELEGRAM_API_URL right?"
        if self.status == 413:
            return TelegramBadRequest(description, status=413)
        if self.status == 429:
            return self._retry_after_error({})
        if self.status < 300:
            return TelegramOutcomeUnknown(description, status=self.status)
        return TelegramUnavailable(description, status=self.status)

    def _to_error(self, payload: dict[str, Any]) -> Exception:
        code = payload.get("error_code")
        status = code if isinstance(code, int) else self.status
        description = str(payload.get("description") or f"HTTP {status}")
        if status == 429:
            return self._retry_after_error(payload)
        if status >= 500:
            return TelegramUnavailable(description, status=status)
        if status == 400:
            return _to_bad_request(description, status=status)
        if status == 404 and "method not found" in description.lower():
            return MethodNotFound(description, status=status)
        error_type = _ERROR_TYPES.get(status, TelegramRejected)
        return error_type(description, status=status)

    def _retry_after_error(self, payload: dict[str, Any]) -> TelegramRetryAfter:
        parameters = payload.get("parameters")
        named = parameters.get("retry_after") if isinstance(parameters, dict) else None
        for value in (named, self.headers.get("Retry-After")):
            try:
                seconds = float(value)  # type: ignore[arg-type] # the value is untrusted
            except (TypeError, ValueError):
                continue
            if 0 <= seconds < float("inf"):
                return TelegramRetryAfter(f"Too Many Requests: {seconds:g} s", retry_after=seconds)
        return TelegramRetryAfter("Too Many Requests", retry_after=DEFAULT_RETRY_SECONDS)


_ERROR_TYPES: dict[int, type[TelegramUnavailable | TelegramUnauthorized | TelegramRejected]] = {
    401: TelegramUnauthorized,
    403: TelegramForbidden,
    404: TelegramUnauthorized,
    409: TelegramConflict,
}


def _to_bad_request(description: str, *, status: int) -> TelegramBadRequest:
    """Classify a 400 by its description: Telegram gives these errors no codes of their own."""
    lowered = description.lower()
    if "can't parse" in lowered or "entit" in lowered:
        return EntityParseError(description, status=status)
    if "too long" in lowered or "too_long" in lowered:
        return MessageTooLong(description, status=status)
    return TelegramBadRequest(description, status=status)
