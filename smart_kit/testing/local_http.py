"""HTTP to servers of this machine, with a long time-out and without proxies and certificates.

A busy machine may need longer than the client's default of 5 seconds, and loading the system's
certificates takes longer than a test's request.
"""

from collections.abc import Mapping
from typing import Any

import httpx2

TIMEOUT_SECONDS = 60.0
"""Time limit for a response, in seconds."""


def make_client(base_url: str = "", headers: Mapping[str, str] | None = None) -> httpx2.Client:
    return httpx2.Client(
        base_url=base_url, headers=headers, timeout=TIMEOUT_SECONDS, trust_env=False, verify=False
    )


def get(url: str, headers: Mapping[str, str] | None = None) -> httpx2.Response:
    """Raises httpx2.TransportError if no server answers."""
    with make_client() as http:
        return http.get(url, headers=headers)


def post(url: str, headers: Mapping[str, str] | None = None, json: Any = None) -> httpx2.Response:
    """Raises httpx2.TransportError if no server answers."""
    with make_client() as http:
        return http.post(url, headers=headers, json=json)


def is_healthy(url: str) -> bool:
    """Return whether a service answers with 200."""
    try:
        return get(url).status_code == 200
    except httpx2.TransportError:
        return False
