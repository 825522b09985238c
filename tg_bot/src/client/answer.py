"""Reads what the Bot API answered: a result, or the error that says what to do."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import (
    FormattingRefused,
    MessageTooLong,
    MethodUnknown,
    TelegramBadRequest,
    TelegramConflict,
    TelegramForbidden,
    TelegramRejected,
    TelegramRetryAfter,
    TelegramUnauthorized,
    TelegramUnavailable,
    TelegramUncertain,
)

DEFAULT_RETRY_SECONDS = 5.0
"""After a 429 that names no time, e.g. of a gateway."""


@dataclass(frozen=True)
class Answer:
    """A whole HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def result(self) -> Any:
        """The result. Raises a TelegramError."""
        envelope = self._envelope()
        if envelope is None:
            raise self._foreign()
        if envelope.get("ok") is True:
            return envelope.get("result")
        raise self._refusal(envelope)

    def _envelope(self) -> dict[str, Any] | None:
        try:
            envelope = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return envelope if isinstance(envelope, dict) and "ok" in envelope else None

    def _foreign(self) -> Exception:
        """Somebody between us and Telegram answered, or the address is not Telegram's."""
        said = f"HTTP {self.status} without a Bot API answer; is TELEGRAM_API_URL right?"
        if self.status == 413:
            return TelegramBadRequest(said, status=413)
        if self.status == 429:
            return self._pause({})
        if self.status < 300:
            return TelegramUncertain(said, status=self.status)
        return TelegramUnavailable(said, status=self.status)

    def _refusal(self, envelope: dict[str, Any]) -> Exception:
        code = envelope.get("error_code")
        status = code if isinstance(code, int) else self.status
        said = str(envelope.get("description") or f"HTTP {status}")
        if status == 429:
            return self._pause(envelope)
        if status >= 500:
            return TelegramUnavailable(said, status=status)
        if status == 400:
            return _bad_request(said, status=status)
        if status == 404 and "method not found" in said.lower():
            return MethodUnknown(said, status=status)
        error_type = _TYPES.get(status, TelegramRejected)
        return error_type(said, status=status)

    def _pause(self, envelope: dict[str, Any]) -> TelegramRetryAfter:
        parameters = envelope.get("parameters")
        named = parameters.get("retry_after") if isinstance(parameters, dict) else None
        for value in (named, self.headers.get("Retry-After")):
            try:
                seconds = float(value)  # type: ignore[arg-type] # whatever it is, it may be wrong
            except (TypeError, ValueError):
                continue
            if 0 <= seconds < float("inf"):
                return TelegramRetryAfter(f"Too Many Requests: {seconds:g} s", retry_after=seconds)
        return TelegramRetryAfter("Too Many Requests", retry_after=DEFAULT_RETRY_SECONDS)


_TYPES: dict[int, type[TelegramUnavailable | TelegramUnauthorized | TelegramRejected]] = {
    401: TelegramUnauthorized,
    403: TelegramForbidden,
    404: TelegramUnauthorized,
    409: TelegramConflict,
}


def _bad_request(said: str, *, status: int) -> TelegramBadRequest:
    """Telegram gives these no code of their own, so the words decide (telegram-bot-api, TDLib)."""
    lowered = said.lower()
    if "can't parse" in lowered or "entit" in lowered:
        return FormattingRefused(said, status=status)
    if "too long" in lowered or "too_long" in lowered:
        return MessageTooLong(said, status=status)
    return TelegramBadRequest(said, status=status)
