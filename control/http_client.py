"""A client for JSON over HTTP."""

import base64
import json
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit, urlunsplit

_MAX_RESPONSE_BYTES = 8 * 1024 * 1024


class RequestFailed(Exception):
    """There was no answer, or it was not JSON. The message names the server and the reason."""


@dataclass(frozen=True)
class JsonResponse:
    """A status and a decoded body."""

    status: int
    body: Any

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def detail(self) -> str:
        """The message of an error response of our services or of Telegram."""
        body = self.body if isinstance(self.body, dict) else {}
        return str(body.get("detail") or body.get("description") or f"status {self.status}")


def request(
    method: str, url: str, *, body: object = None, token: str = "", timeout: float = 10.0
) -> JsonResponse:
    """Return the response, whatever its status. Raises RequestFailed."""
    headers = {"Accept": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = None
    if body is not None:
        data = json.dumps(body).encode()
        headers["Content-Type"] = "application/json"
    address = urlsplit(url)
    if address.username is not None:
        url = strip_credentials(url)
        credentials = f"{address.username}:{address.password or ''}".encode()
        encoded = base64.b64encode(credentials).decode()
        headers.setdefault("Authorization", f"Basic {encoded}")
    message = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 - http(s) URLs of the settings
    is_local = address.hostname in ("127.0.0.1", "localhost")
    # a proxy only serves other machines
    handlers = [urllib.request.ProxyHandler({})] if is_local else []
    try:
        opener = urllib.request.build_opener(*handlers)
        with opener.open(message, timeout=timeout) as response:
            return JsonResponse(response.status, json.loads(response.read(_MAX_RESPONSE_BYTES)))
    except urllib.error.HTTPError as error:
        with error, suppress(ValueError):
            return JsonResponse(error.code, json.loads(error.read(_MAX_RESPONSE_BYTES)))
        return JsonResponse(error.code, None)
    except urllib.error.URLError as error:
        raise RequestFailed(f"{_host_and_port(address)} does not answer: {error.reason}") from error
    except (OSError, ValueError) as error:
        raise RequestFailed(f"{_host_and_port(address)}: {error}") from error


def strip_credentials(url: str) -> str:
    """Return the URL without user and password."""
    address = urlsplit(url)
    return urlunsplit(address._replace(netloc=_host_and_port(address)))


def _host_and_port(address: SplitResult) -> str:
    return address.netloc.rpartition("@")[2]
