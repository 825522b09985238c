"""What ServiceClient needs of an HTTP library."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from smart_kit.errors import UpstreamUnavailable

CONNECT_TIMEOUT_SECONDS = 2.0
"""Longest time until a connection is open. ServiceClient limits the time of a whole request."""

KEEPALIVE_SECONDS = 3.0
"""uvicorn closes connections after 5 idle seconds; a request at that moment gets no response."""


@dataclass(frozen=True)
class Response:
    """A response of any status."""

    status: int
    headers: Mapping[str, str]
    """Their names have no case."""
    body: bytes


class Transport(Protocol):
    """Sends requests as they are: without proxies, cookies, redirects and repetitions."""

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> Response:
        """Send one request and read the whole response.

        Raises UpstreamUnavailable if the server cannot be reached or the connection fails.
        """

    async def close(self) -> None:
        """Close the connections."""


def to_upstream_error(error: Exception) -> UpstreamUnavailable:
    """Return what an error of the HTTP library means."""
    return UpstreamUnavailable(f"rest_service: {str(error) or type(error).__name__}")
