"""HTTP client for checks of a provider and for lists of its models.

Responses may repeat the API key, so every quote of them is redacted.
"""

import asyncio
import json
import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2

from smart_kit.contracts.base import JsonObject
from smart_kit.contracts.models import ProviderErrorCode
from smart_kit.errors import UpstreamError
from smart_kit.log import Redactor
from smart_kit.rest_client.httpx2_transport import TRANSPORT_ERRORS
from smart_kit.safe_http.messages import MAX_RESPONSE_BYTES, TIMEOUT_SECONDS

MAX_QUOTE_LENGTH = 200
"""Length of a quote from a response, in characters."""
_MAX_SCANNED_LENGTH = 4096
"""Characters of a response that are considered for a quote."""
_MIN_LEAK_LENGTH = 8
"""A quote with this many consecutive characters of the key is dropped."""
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
"""Characters that JSON can hold but UTF-8 or Postgres cannot."""
_LOCAL_HINT = (
    "Check that the server runs on this port. From Docker, this machine is host.docker.internal,"
    " and the server must listen on more than 127.0.0.1."
)
_REMOTE_HINT = "Check that the server runs on this port and that this machine can reach it."
_WHITESPACE = re.compile(r"[\s\x00-\x1f\x7f]+")


class ProviderError(UpstreamError):
    """The provider does not work."""

    def __init__(self, code: ProviderErrorCode, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True)
class ProviderResponse:
    """The response of a provider."""

    status: int
    content: Any
    """Decoded JSON with storable texts; None if the body is not JSON."""
    error_text: str
    """A quote of the error message that is safe to show."""
    location: str = ""
    """Host and path of a redirect's target."""

    @property
    def is_success(self) -> bool:
        has_error = isinstance(self.content, dict) and bool(self.content.get("error"))
        return 200 <= self.status < 300 and not has_error


class ProviderClient:
    """The address and key of one provider."""

    def __init__(self, http: httpx2.AsyncClient, base_url: str, key: str | None) -> None:
        self.base_url = base_url
        self.key = key
        self._http = http
        self._redaction = Redactor([key] if key else [])
        self._fragment_length = min(_MIN_LEAK_LENGTH, len(key or ""))
        fragments = _substrings(key.casefold(), self._fragment_length) if key else frozenset()
        self._key_fragments = fragments

    async def request(
        self, method: str, path: str, body: JsonObject | None = None
    ) -> ProviderResponse:
        """Return the response, whatever its status, without redirects. Raises ProviderError."""
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        try:
            async with (
                asyncio.timeout(TIMEOUT_SECONDS),
                self._http.stream(
                    method,
                    f"{self.base_url}{path}",
                    json=body,
                    headers=headers,
                    follow_redirects=False,
                ) as response,
            ):
                return self._to_response(response, await _read_body(response))
        except (TimeoutError, httpx2.TimeoutException) as error:
            raise ProviderError(
                "timed_out",
                f"{self.host} did not respond within {TIMEOUT_SECONDS:g} s. It may be overloaded.",
            ) from error
        except (httpx2.HTTPError, httpx2.InvalidURL, *TRANSPORT_ERRORS, UnicodeError) as error:
            raise self._to_provider_error(error) from error

    @property
    def host(self) -> str:
        """Host, and port if given."""
        return urlsplit(self.base_url).netloc

    def is_safe_to_quote(self, text: str) -> bool:
        """Return whether the text contains no part of the key."""
        return self._key_fragments.isdisjoint(_substrings(text.casefold(), self._fragment_length))

    def _redact(self, text: str) -> str:
        cleaned = _WHITESPACE.sub(" ", text).strip()[:_MAX_SCANNED_LENGTH]
        quote = self._redaction.redact(cleaned)[:MAX_QUOTE_LENGTH]
        return quote if self.is_safe_to_quote(quote) else ""

    def _to_response(self, response: httpx2.Response, body: bytes) -> ProviderResponse:
        content = _decode_json(body)
        text = response.reason_phrase if content is None else _extract_message(content)
        target = _strip_redirect_target(response.headers.get("Location", ""))
        quotes = self._redact(text), self._redact(target)
        return ProviderResponse(response.status_code, content, *quotes)

    def _to_provider_error(self, error: Exception) -> ProviderError:
        causes = list(_iter_causes(error))
        if any(isinstance(cause, socket.gaierror) for cause in causes):
            return ProviderError("unknown_host", f"There is no host {self.host}. Check base_url.")
        if tls := next((cause for cause in causes if isinstance(cause, ssl.SSLError)), None):
            reason = self._redact(getattr(tls, "verify_message", "") or tls.reason or "TLS fails")
            return ProviderError(
                "tls_failed",
                f"No secure connection to {self.host}: {reason}. Check that its certificate is"
                " trusted on this machine, or use http:// if it has no https.",
            )
        if isinstance(error, httpx2.ConnectError):
            is_local = urlsplit(self.base_url).hostname in ("localhost", "127.0.0.1", "::1")
            hint = _LOCAL_HINT if is_local else _REMOTE_HINT
            return ProviderError("unreachable", f"There is no server at {self.host}. {hint}")
        return ProviderError(
            "unexpected_response",
            f"The server at {self.host} does not respond with valid HTTP. Check whether base_url"
            " needs https:// instead of http://, or another port.",
        )


def _substrings(text: str, width: int) -> frozenset[str]:
    return frozenset(text[at : at + width] for at in range(len(text) - width + 1))


async def _read_body(response: httpx2.Response) -> bytes:
    body = b""
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_RESPONSE_BYTES:
            raise ProviderError(
                "unexpected_response",
                "The server sends more than 2 MB, which is not a response of this API.",
            )
    return body


def _decode_json(body: bytes) -> Any:
    try:
        return _replace_unstorable(json.loads(body))
    except (ValueError, RecursionError):
        return None


def _replace_unstorable(value: Any) -> Any:
    match value:
        case str():
            return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", value)
        case list():
            return [_replace_unstorable(item) for item in value]
        case dict():
            return {_replace_unstorable(k): _replace_unstorable(v) for k, v in value.items()}
    return value


def _strip_redirect_target(location: str) -> str:
    try:
        target = urlsplit(location)
    except ValueError:
        return ""
    host = target.netloc.rpartition("@")[2]
    return f"{target.scheme}://{host}{target.path}" if host else target.path


def extract_error(content: Any) -> JsonObject:
    """Return the error object of a response, in any of the forms that servers use."""
    if isinstance(content, list) and content:
        content = content[0]
    if not isinstance(content, dict):
        return {}
    inner = content.get("error") or content
    return inner if isinstance(inner, dict) else {"message": inner}


def _extract_message(content: Any) -> str:
    error = extract_error(content)
    message = error.get("message") or error.get("detail") or ""
    return message if isinstance(message, str) else json.dumps(message)


def _iter_causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for one in error.exceptions:
                yield from _iter_causes(one)
        error = error.__cause__ or error.__context__
