"""Requests, responses and limits of `SafeHttpClient`, for those who do not send any themselves."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

MAX_RESPONSE_BYTES = 2 * 1024 * 1024
"""Limit of a response body, compressed or not."""
TIMEOUT_SECONDS = 10.0
"""Limit of a whole request: name resolution, redirects and reading the body."""

CONNECTION_HEADERS = frozenset(
    {"connection", "content-length", "expect", "host", "te", "trailer", "transfer-encoding"}
    | {"keep-alive", "upgrade"}
)
"""Lower-case names of headers that frame a request on its connection."""
HEADER_NAME_PATTERN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True)
class HttpRequest:
    """A request to send."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True)
class HttpResponse:
    """The response to the last request of a chain of redirects."""

    status: int
    content_type: str
    """The Content-Type header, which may have a charset or be empty."""
    body: bytes
    url: str
