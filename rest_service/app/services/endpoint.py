"""A server of models as an administrator's questions find it.

Whatever it says may repeat the key that it was given, so none of it is passed on unread.
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
from smart_kit.contracts.models import ProviderProblem
from smart_kit.errors import UpstreamError
from smart_kit.guarded_http import MOST_BYTES, SECONDS
from smart_kit.log import Redaction
from smart_kit.rest_client import TRANSPORT_ERRORS

MOST_WORDS = 200
"""Characters of the server's own words that are repeated."""
_MOST_READ = 4096
"""Characters of them that are looked at."""
_TELLING = 8
"""So many characters of a key in a row are too much of it."""
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
"""What JSON can say, and neither UTF-8 nor Postgres takes."""
_REPLACED = "\N{REPLACEMENT CHARACTER}"
_SPACE = re.compile(r"[\s\x00-\x1f\x7f]+")


class Trouble(UpstreamError):
    """The server of models is not well."""

    def __init__(self, problem: ProviderProblem, detail: str) -> None:
        super().__init__(detail)
        self.problem = problem


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    content: Any
    """Decoded JSON, each text in it storable; None where it was none."""
    words: str
    """What may be repeated of it, if it is a refusal."""
    location: str = ""
    """Where it points to, with nothing but host and path."""

    @property
    def is_good(self) -> bool:
        has_error = isinstance(self.content, dict) and bool(self.content.get("error"))
        return 200 <= self.status < 300 and not has_error


class Endpoint:
    """One provider's address and key."""

    def __init__(self, http: httpx2.AsyncClient, base_url: str, key: str | None) -> None:
        self.base_url = base_url
        self.key = key
        self._http = http
        self._redaction = Redaction([key] if key else [])
        self._width = min(_TELLING, len(key or ""))
        self._telling = _parts(key.casefold(), self._width) if key else frozenset()

    async def ask(self, method: str, path: str, body: JsonObject | None = None) -> Reply:
        """The answer, whatever its status; no redirect is followed. Raises Trouble."""
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        try:
            async with (
                asyncio.timeout(SECONDS),
                self._http.stream(
                    method,
                    f"{self.base_url}{path}",
                    json=body,
                    headers=headers,
                    follow_redirects=False,
                ) as response,
            ):
                return self._reply(response, await _body(response))
        except (TimeoutError, httpx2.TimeoutException) as error:
            raise Trouble(
                "timed_out", f"{self.host} did not answer within {SECONDS:g} s. Is it overloaded?"
            ) from error
        except (httpx2.HTTPError, httpx2.InvalidURL, *TRANSPORT_ERRORS, UnicodeError) as error:
            raise self._trouble(error) from error

    @property
    def host(self) -> str:
        """Host and perhaps port."""
        return urlsplit(self.base_url).netloc

    def may_be_said(self, text: str) -> bool:
        """Whether no part of the key is in it."""
        return self._telling.isdisjoint(_parts(text.casefold(), self._width))

    def _quoted(self, text: str) -> str:
        read = _SPACE.sub(" ", text).strip()[:_MOST_READ]
        words = self._redaction.text(read)[:MOST_WORDS]
        return words if self.may_be_said(words) else ""

    def _reply(self, response: httpx2.Response, body: bytes) -> Reply:
        content = _decoded(body)
        text = response.reason_phrase if content is None else _message(content)
        place = _place(response.headers.get("Location", ""))
        return Reply(response.status_code, content, self._quoted(text), self._quoted(place))

    def _trouble(self, error: Exception) -> Trouble:
        causes = list(_causes(error))
        if any(isinstance(cause, socket.gaierror) for cause in causes):
            return Trouble(
                "unknown_host", f"There is no host {self.host}. Is base_url written as it should?"
            )
        if tls := next((cause for cause in causes if isinstance(cause, ssl.SSLError)), None):
            reason = self._quoted(getattr(tls, "verify_message", "") or tls.reason or "TLS fails")
            return Trouble(
                "no_tls",
                f"No secure connection to {self.host}: {reason}. Does it speak https with a"
                " certificate that this machine trusts, or is its address one with http://?",
            )
        if isinstance(error, httpx2.ConnectError):
            return Trouble("unreachable", f"Nothing answers at {self.host}.{self._where()}")
        return Trouble(
            "no_api",
            f"What answers at {self.host} does not speak HTTP as it should. Does base_url need"
            " https:// in place of http://, or another port?",
        )

    def _where(self) -> str:
        if urlsplit(self.base_url).hostname in ("localhost", "127.0.0.1", "::1"):
            return (
                " Does the server run, on that port? For a service in Docker this machine is"
                " host.docker.internal, and the server has to listen on more than 127.0.0.1."
            )
        return " Does the server run, on that port, and may this machine reach it?"


def _parts(text: str, width: int) -> frozenset[str]:
    return frozenset(text[at : at + width] for at in range(len(text) - width + 1))


async def _body(response: httpx2.Response) -> bytes:
    body = b""
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MOST_BYTES:
            raise Trouble("no_api", "The server sends more than 2 MB: that is no answer of an API.")
    return body


def _decoded(body: bytes) -> Any:
    try:
        return _storable(json.loads(body))
    except (ValueError, RecursionError):
        return None


def _storable(value: Any) -> Any:
    match value:
        case str():
            return _UNSTORABLE.sub(_REPLACED, value)
        case list():
            return [_storable(item) for item in value]
        case dict():
            return {_storable(key): _storable(item) for key, item in value.items()}
    return value


def _place(location: str) -> str:
    """Host and path of a redirect's target; empty where it is none."""
    try:
        target = urlsplit(location)
    except ValueError:
        return ""
    host = target.netloc.rpartition("@")[2]
    return f"{target.scheme}://{host}{target.path}" if host else target.path


def error_of(content: Any) -> JsonObject:
    """The error in an answer, in any of the forms that servers have for it."""
    if isinstance(content, list) and content:
        content = content[0]
    if not isinstance(content, dict):
        return {}
    inner = content.get("error") or content
    return inner if isinstance(inner, dict) else {"message": inner}


def _message(content: Any) -> str:
    error = error_of(content)
    message = error.get("message") or error.get("detail") or ""
    return message if isinstance(message, str) else json.dumps(message)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for one in error.exceptions:
                yield from _causes(one)
        error = error.__cause__ or error.__context__
