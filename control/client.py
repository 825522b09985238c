"""JSON over HTTP, with the standard library."""

import base64
import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit, urlunsplit

_LARGEST = 8 * 1024 * 1024


class RequestFailed(Exception):
    """Nobody answered, or not in JSON; the message says who and why."""


@dataclass(frozen=True)
class Answer:
    """A status and decoded JSON."""

    status: int
    body: Any

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def detail(self) -> str:
        """What our services and Telegram say in an error."""
        body = self.body if isinstance(self.body, dict) else {}
        return str(body.get("detail") or body.get("description") or f"status {self.status}")


def request(
    method: str, url: str, *, body: object = None, token: str = "", patience: float = 10.0
) -> Answer:
    """Raises RequestFailed; any status is an answer."""
    headers = {"Accept": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = None
    if body is not None:
        data = json.dumps(body).encode()
        headers["Content-Type"] = "application/json"
    address = urlsplit(url)
    if address.username is not None:
        url = plain(url)
        word = base64.b64encode(f"{address.username}:{address.password or ''}".encode()).decode()
        headers.setdefault("Authorization", f"Basic {word}")
    message = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 - http(s) URLs of the settings
    try:
        with _opener(address.hostname).open(message, timeout=patience) as response:
            return Answer(response.status, json.loads(response.read(_LARGEST)))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, _lenient(error.read(_LARGEST)))
    except urllib.error.URLError as error:
        raise RequestFailed(f"{_place(address)} does not answer: {error.reason}") from error
    except (OSError, ValueError) as error:
        raise RequestFailed(f"{_place(address)}: {error}") from error


def plain(url: str) -> str:
    """The URL without a user and password: to be shown."""
    address = urlsplit(url)
    return urlunsplit(address._replace(netloc=_place(address)))


def _place(address: SplitResult) -> str:
    return address.netloc.rpartition("@")[2]


def _opener(host: str | None) -> urllib.request.OpenerDirector:
    """A proxy is for the world outside."""
    if host in ("127.0.0.1", "localhost"):
        return urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return urllib.request.build_opener()


def _lenient(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
